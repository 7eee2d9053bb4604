"""The demo's last lines call creatorpool by a command that users can copy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from creatorpool.cli.demo import _own_command


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command in an environment that is not on the path."""
    path = tmp_path / "checkout" / ".venv" / "bin" / "creatorpool"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(path.with_name("python")))
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def test_command_of_the_environment_is_relative_to_the_current_folder(script: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(script.parents[2])
    assert _own_command() == ".venv/bin/creatorpool"
    for elsewhere in (script.parent, script.parents[3]):
        monkeypatch.chdir(elsewhere)
        assert (elsewhere / _own_command()).samefile(script)
        assert "/" in _own_command()  # otherwise the shell looks for it on the path


def test_command_on_the_path_is_its_name(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    assert _own_command() == "creatorpool"
