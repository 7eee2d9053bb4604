"""Files beside the tables, and delivered files: reads, writes, copies and removes them wherever they are."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, TextIO
from uuid import uuid4

import pyarrow.parquet as pq
from pyarrow import fs

from creatorpool.storage.clients import delta_options, description
from creatorpool.storage.object_path import ObjectPath
from creatorpool.storage.places import Place

TRIALS = "_trials"
"""Folder beside tables in an object store that holds copies of them while a dry run works in them"""
_LEFT_SECONDS = 86_400
"""Copies that are older were left by killed dry runs"""


def arrow_place(place: Place) -> tuple[fs.FileSystem, str]:
    """A file system of Arrow, and the path of `place` in it."""
    return place.stored if isinstance(place, ObjectPath) else (fs.LocalFileSystem(), str(place))


def store_options(place: Place) -> dict[str, str] | None:
    """The options of deltalake for the storage of `place`; None on this machine. Errors as in `delta_options`."""
    return delta_options(place.scheme) if isinstance(place, ObjectPath) else None


def described(place: Place) -> str:
    """The name of a place, and how it is reached, without credentials."""
    return f"{place} ({description(place.scheme)})" if isinstance(place, ObjectPath) else str(place)


def parquet_file(place: Place, **options: Any) -> pq.ParquetFile:
    """An open Parquet file, to be used in a `with` statement; `options` are those of Arrow's ParquetFile."""
    storage, path = arrow_place(place)
    return pq.ParquetFile(path, filesystem=storage, **options)


@contextmanager
def _replacing(place: Path) -> Iterator[Path]:
    """A file beside `place` to write, which takes its place when the block ends without an error."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.part")
    try:
        yield partial
        partial.replace(place)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(place: Place, data: bytes) -> None:
    """Write a file that appears completely or not at all; its folder is made if missing."""
    if isinstance(place, ObjectPath):
        place.write_bytes(data)
        return
    with _replacing(Path(str(place))) as partial:
        partial.write_bytes(data)


def copy_whole(file: Path, place: Place) -> None:
    """Copy a file of this machine to `place`, where it appears completely or not at all; its folder is made."""
    if isinstance(place, ObjectPath):
        _copy(file, place)
        return
    with _replacing(Path(str(place))) as partial:
        shutil.copyfile(file, partial)


@contextmanager
def whole_text(place: Place) -> Iterator[TextIO]:
    """A text file to write, which appears when the block ends without an error; its folder is made if missing.

    It is written piece by piece, for files that are too large for the memory.
    """
    with TemporaryDirectory(prefix="creatorpool-") as scratch:
        written = Path(scratch) / "written"
        with written.open("w", encoding="utf-8", newline="") as out:
            yield out
        copy_whole(written, place)


def plain_link(place: Place, folder: Place) -> Place:
    """A file in `folder` with a plain name and the bytes of `place`: a link where both are on this machine."""
    target = folder / f"{sha256(os.fsencode(str(place))).hexdigest()}.parquet"
    if isinstance(place, ObjectPath) or isinstance(target, ObjectPath):
        _copy(place, target)
    elif isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(Path(str(place)).resolve())
    return target


def remove_tree(place: Place) -> None:
    """Remove a folder and all that is in it, as far as that is possible; it need not exist."""
    if not isinstance(place, ObjectPath):
        shutil.rmtree(str(place), ignore_errors=True)
        return
    storage, path = place.stored
    with suppress(OSError):
        if not place.is_dir():
            return
        try:
            storage.delete_dir(path)
        except OSError:  # some servers keep folders, and delete them only when they are empty: from the inside out
            inside = storage.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
            for folder in sorted((info.path for info in inside if not info.is_file), key=len, reverse=True):
                storage.delete_dir(folder)
            storage.delete_dir(path)


def remove_file(place: Place) -> None:
    """Remove a file; it need not exist."""
    storage, path = arrow_place(place)
    with suppress(FileNotFoundError):
        storage.delete_file(path)


def irregularity(place: Place) -> str | None:
    """Why `place` cannot be read as a file, as the end of a sentence; None if it can."""
    if isinstance(place, ObjectPath):
        return _FOLDER.format(place.parent) if place.is_dir() else None
    path = Path(str(place))
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except OSError as error:
        kind = "is a broken link" if path.is_symlink() and not path.exists() else "cannot be read"
        return f"{kind}: {error.strerror}"
    if stat.S_ISDIR(mode):
        return _FOLDER.format(path.parent)
    return None if stat.S_ISREG(mode) else "is neither a file nor a link to one"


_FOLDER = "is a folder: put all files directly into {}"


@contextmanager
def tables_copy(root: Place) -> Iterator[Place]:
    """A copy of all tables under `root`, which is deleted when the block ends; the originals do not change.

    Delta never changes a file that it has written. On this machine the copy shares files with the original by hard
    links where the file system has them, and costs little. An object store copies its objects itself, into a folder
    beside the tables; that costs requests and time, and no transfer.
    """
    if not isinstance(root, ObjectPath):
        with TemporaryDirectory(prefix="creatorpool-") as scratch:
            for log in sorted(Path(str(root)).glob("*/_delta_log")):
                shutil.copytree(log.parent, Path(scratch) / log.parent.name, copy_function=_link_or_copy)
            yield Path(scratch)
        return
    _remove_left_trials(root / TRIALS)
    copy = root / TRIALS / f"{time.time():.0f}-{uuid4().hex}"
    storage = root.stored[0]
    try:
        for table in root.iterdir():
            if (table / "_delta_log").is_dir():
                place, target = table.stored[1], (copy / table.name).stored[1]
                fs.copy_files(place, target, source_filesystem=storage, destination_filesystem=storage)
        yield copy
    finally:
        remove_tree(copy)


def _remove_left_trials(folder: ObjectPath) -> None:
    for left in folder.iterdir() if folder.is_dir() else ():
        began = left.name.partition("-")[0]
        if not began.isdigit() or int(began) < time.time() - _LEFT_SECONDS:
            remove_tree(left)


def scratch_folder() -> Path:
    """A new folder of this machine, which is deleted when the process ends, if nobody has deleted it before.

    It does not end with an object of Python, because an engine reads a folder that is gone as one without rows.
    """
    folder = Path(mkdtemp(prefix="creatorpool-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def local_folder(place: Place) -> Iterator[Path]:
    """`place` as a folder of this machine, for libraries that know no other.

    A folder of an object store is copied here, and what the block changes in the copy is changed there at its end.
    """
    if not isinstance(place, ObjectPath):
        yield Path(str(place))
        return
    with TemporaryDirectory(prefix="creatorpool-") as scratch:
        folder, before = Path(scratch).resolve(), {}
        for stored, _ in place.files():
            name = stored.key[len(place.key) + 1 :]
            before[name] = stored.read_bytes()
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(before[name])
        yield folder
        now = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for name, path in now.items():
            if (data := path.read_bytes()) != before.get(name):
                (place / name).write_bytes(data)
        for name in before.keys() - now.keys():
            storage, gone = (place / name).stored
            storage.delete_file(gone)


def _copy(place: Place, target: Place) -> None:
    (storage, path), (other, name) = arrow_place(place), arrow_place(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fs.copy_files(path, name, source_filesystem=storage, destination_filesystem=other, use_threads=False)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
