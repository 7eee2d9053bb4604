"""Setting up is silent, unless a step fails: then all that the step has said is shown."""

from __future__ import annotations

import subprocess

import pytest
from tests.checkout import project_root

QUIETLY = project_root() / "tools" / "quietly.sh"


@pytest.mark.parametrize(
    ("step", "code", "shown"),
    [
        ("echo noise; echo more >&2", 0, ""),
        ("echo noise; echo 'no such package' >&2; exit 7", 7, "noise\nno such package\n"),
    ],
)
def test_output_of_a_step_is_shown_only_if_it_fails(step: str, code: int, shown: str) -> None:
    ended = subprocess.run([QUIETLY, "bash", "-c", step], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", shown)
