"""Where conf/ and data_contracts/ come from: a project is a folder that has both, and this module finds it.

A checkout is a project. A wheel carries copies of the checkout's two folders, made when it is built.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from creatorpool.errors import ConfigurationError, InputError

HOME_VARIABLE = "CREATORPOOL_HOME"

_CONF, _CONTRACTS = "conf", "data_contracts"
_BASE = Path(_CONF, "base.yaml")
_CHECKOUT = Path(__file__).resolve().parents[2]
_WHEEL_COPIES = Path(__file__).resolve().parent / "defaults"


@dataclass(frozen=True)
class Initialised:
    """What `initialise` did to the files of a folder, each named from there."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that stood there already and differ from those of this version."""


def project() -> Path:
    """The project that this process works by: all of its configuration and contracts come from this one folder.

    The first of: the folder that `CREATORPOOL_HOME` names; the current directory, if it is a project; the checkout
    that this package stands in; the copies in the wheel.

    Raises
    ------
    ConfigurationError
        If `CREATORPOOL_HOME` names a folder that is no project, or the package was copied without its data.
    """
    if named := os.environ.get(HOME_VARIABLE):
        if not is_project(Path(named)):
            raise ConfigurationError(
                f"{HOME_VARIABLE} is '{named}', which has no {_BASE} or no {_CONTRACTS}/: name a folder that "
                f"`creatorpool init` made, or unset it"
            )
        return Path(named).resolve()
    return Path.cwd() if is_project(Path()) else shipped_project()


def conf_directory() -> Path:
    """Folder of base.yaml, signals.yaml and the overlays of the project at work; raises as `project` does."""
    return project() / _CONF


def contracts_directory() -> Path:
    """Folder of the contracts, one YAML file a table, of the project at work; raises as `project` does."""
    return project() / _CONTRACTS


def is_project(folder: Path) -> bool:
    """Whether `folder` has both conf/base.yaml and data_contracts/."""
    return (folder / _BASE).is_file() and (folder / _CONTRACTS).is_dir()


def unread_folder() -> str | None:
    """The warning for a current directory that has only one of the two folders, so that it is not read; else None."""
    has_conf, has_contracts = _BASE.is_file(), Path(_CONTRACTS).is_dir()
    if os.environ.get(HOME_VARIABLE) or has_conf == has_contracts:
        return None
    present, missing = (_BASE, f"{_CONTRACTS}/") if has_conf else (f"{_CONTRACTS}/", _BASE)
    return f"{present} of {Path.cwd()} is not read, since {missing} is missing there; `creatorpool init` adds it"


def shipped_project() -> Path:
    """The project that comes with this code: its checkout, or the copies in the wheel.

    Raises
    ------
    ConfigurationError
        If there is neither, as where only the package's modules were copied.
    """
    for folder in (_CHECKOUT, _WHEEL_COPIES):
        if is_project(folder):
            return folder
    raise ConfigurationError(
        f"the package at {Path(__file__).parent} has no {_CONF}/ and {_CONTRACTS}/: install the wheel, or name a "
        f"folder that has both in {HOME_VARIABLE}"
    )


def initialise(folder: Path) -> Initialised:
    """Copy the shipped conf/ and data_contracts/ into `folder`, which may exist; files that stand there are kept.

    Each file appears whole or not at all, so a copy that broke off is completed by the next one.

    Raises
    ------
    InputError
        If `folder` cannot be written.
    """
    source = shipped_project()
    written, kept = [], []
    try:
        for path in sorted((*(source / _CONF).rglob("*.yaml"), *(source / _CONTRACTS).rglob("*.yaml"))):
            name = path.relative_to(source)
            target = folder / name
            if not target.exists():
                _copy_whole(path, target)
                written.append(name.as_posix())
            elif target.read_bytes() != path.read_bytes():
                kept.append(name.as_posix())
    except OSError as error:
        raise InputError(f"{folder}: {_CONF}/ and {_CONTRACTS}/ cannot be written here: {error}") from error
    return Initialised(tuple(written), tuple(kept))


def _copy_whole(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    shutil.copyfile(path, partial)
    partial.replace(target)
