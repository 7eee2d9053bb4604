"""The folder whose conf/ and data_contracts/ a process reads, and the files of `creatorpool init`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.checkout import project_root

from creatorpool.cli.main import main
from creatorpool.contracts import load_contract, load_contracts
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.project import HOME_VARIABLE, initialise, project, unread_folder
from creatorpool.settings import load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, in an environment that names no project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    return folder


def initialised(folder: Path, alpha: float) -> Path:
    initialise(folder)
    base = folder / "conf" / "base.yaml"
    base.write_text(base.read_text("utf-8").replace("alpha: 0.5\n", f"alpha: {alpha}\n", 1), "utf-8")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for name in ("conf", "data_contracts") for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_checkout_is_the_project_by_default() -> None:
    assert project() == project_root()
    assert load_settings().allocation.alpha == 0.5


def test_environment_has_precedence_over_the_current_folder_and_that_over_the_checkout(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialised(elsewhere, 0.6)
    named = initialised(tmp_path / "named", 0.7)
    (named / "data_contracts" / "stage_runs.yaml").unlink()

    assert (project(), load_settings().allocation.alpha) == (elsewhere, 0.6)
    assert load_contract("events").path == elsewhere / "data_contracts" / "events.yaml"

    monkeypatch.setenv(HOME_VARIABLE, str(named))

    assert (project(), load_settings().allocation.alpha) == (named, 0.7)
    assert set(load_contracts(project_root() / "data_contracts")) - set(load_contracts()) == {"stage_runs"}


def test_environment_that_names_no_project_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "nowhere"))

    for read in (load_settings, load_contracts):
        with pytest.raises(ConfigurationError, match=r"CREATORPOOL_HOME is '.*nowhere'.*creatorpool init"):
            read()


@pytest.mark.parametrize(
    ("missing", "warning"),
    [
        ("conf", r"data_contracts/ of .*elsewhere is not read, because conf/base.yaml is missing there"),
        ("data_contracts", r"conf/base.yaml of .*elsewhere is not read, because data_contracts/ is missing there"),
    ],
)
def test_incomplete_project_is_not_read_and_causes_a_warning(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, missing: str, warning: str
) -> None:
    initialised(elsewhere, 0.6)
    assert unread_folder() is None
    shutil.rmtree(elsewhere / missing)

    assert project() == project_root()
    message = unread_folder()
    assert message is not None
    assert re.search(warning, message)

    monkeypatch.setenv(HOME_VARIABLE, str(project_root()))
    assert unread_folder() is None, "nobody expects the current folder to be read"


def test_init_writes_missing_files_and_keeps_existing_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "project"
    main(["init", str(folder)])
    assert files(folder) == files(project_root())
    assert f"{len(files(folder))} files written" in capsys.readouterr().out

    (folder / "conf" / "base.yaml").write_text("engine: {}\n")
    (folder / "data_contracts" / "events.yaml").unlink()
    main(["init", str(folder)])

    differing = {name for name, content in files(folder).items() if files(project_root())[name] != content}
    assert differing == {"conf/base.yaml"}
    shown = capsys.readouterr().out
    assert "1 files written" in shown
    assert "Kept, although this version has others: conf/base.yaml." in shown


def test_init_names_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match=r"file: cannot write conf/ and data_contracts/ here"):
        initialise(tmp_path / "file")
