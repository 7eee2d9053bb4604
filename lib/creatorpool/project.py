"""Finds the project: the folder with the configuration (conf/) and the contracts (data_contracts/).

A checkout is a project. A wheel contains copies of the checkout's two folders, made when the wheel is built.
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
    """What `initialise` did in a folder; names of files are relative to the folder."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Existing files that differ from those of this version and were not changed"""


def project() -> Path:
    """The folder from which this process reads all configuration and contracts.

    It is the first of these: the folder that `CREATORPOOL_HOME` names; the current directory, if it is a project; the
    checkout that contains this package; the copies in the wheel.

    Raises
    ------
    ConfigurationError
        If `CREATORPOOL_HOME` names a folder that is not a project, or the package was copied without its data.
    """
    if named := os.environ.get(HOME_VARIABLE):
        if not is_project(Path(named)):
            raise ConfigurationError(
                f"{HOME_VARIABLE} is '{named}', but that folder has no {_BASE} or no {_CONTRACTS}/: set it to a folder "
                f"that `creatorpool init` made, or unset it"
            )
        return Path(named).resolve()
    return Path.cwd() if is_project(Path()) else shipped_project()


def conf_directory() -> Path:
    """Folder of the project's base.yaml, signals.yaml and overlays; raises as `project` does."""
    return project() / _CONF


def contracts_directory() -> Path:
    """Folder of the project's contracts, one YAML file per table; raises as `project` does."""
    return project() / _CONTRACTS


def is_project(folder: Path) -> bool:
    """Whether `folder` has both conf/base.yaml and data_contracts/."""
    return (folder / _BASE).is_file() and (folder / _CONTRACTS).is_dir()


def unread_folder() -> str | None:
    """A warning if the current directory is ignored because it has only one of the two folders; else None."""
    has_conf, has_contracts = _BASE.is_file(), Path(_CONTRACTS).is_dir()
    if os.environ.get(HOME_VARIABLE) or has_conf == has_contracts:
        return None
    present, missing = (_BASE, f"{_CONTRACTS}/") if has_conf else (f"{_CONTRACTS}/", _BASE)
    return f"{present} of {Path.cwd()} is not read, because {missing} is missing there; `creatorpool init` adds it"


def shipped_project() -> Path:
    """The project that belongs to this code: its checkout, or the copies in the wheel.

    Raises
    ------
    ConfigurationError
        If there is neither, for example because only the package's modules were copied.
    """
    for folder in (_CHECKOUT, _WHEEL_COPIES):
        if is_project(folder):
            return folder
    raise ConfigurationError(
        f"the package at {Path(__file__).parent} has no {_CONF}/ and {_CONTRACTS}/: install the wheel, or set "
        f"{HOME_VARIABLE} to a folder that has both"
    )


def initialise(folder: Path) -> Initialised:
    """Copy the shipped conf/ and data_contracts/ into `folder`, which may exist. Existing files are not changed.

    Each file appears completely or not at all, so a second call completes an interrupted one.

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
        raise InputError(f"{folder}: cannot write {_CONF}/ and {_CONTRACTS}/ here: {error}") from error
    return Initialised(tuple(written), tuple(kept))


def _copy_whole(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    shutil.copyfile(path, partial)
    partial.replace(target)
