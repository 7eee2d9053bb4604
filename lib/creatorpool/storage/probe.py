"""Tries out a storage: whether files can be written, read and deleted there, and whether commits exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from creatorpool.errors import ConfigurationError
from creatorpool.storage.files import arrow_place, remove_tree, store_options
from creatorpool.storage.object_path import ObjectPath
from creatorpool.storage.places import Place

_WRITERS = 6

_safe: set[Place] = set()
"""Roots whose commits this process has found to exclude each other"""


@contextmanager
def probe_folder(root: Place) -> Iterator[Place]:
    """A folder for trials, deleted when the block ends: below `root`, or where `root` would be made."""
    name = f"_probe-{uuid4().hex}"
    if isinstance(root, ObjectPath):
        folder: Place = root / name
    else:
        path = Path(str(root)).absolute()
        folder = next(place for place in (path, *path.parents) if place.is_dir()) / name
    try:
        yield folder
    finally:
        remove_tree(folder)


def clock_difference(folder: Place) -> float:
    """Seconds by which this machine's clock is ahead of the storage's, to the second; writes and reads one file."""
    before = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clock").write_bytes(b"what time is it?")
    if (folder / "clock").read_bytes() != b"what time is it?":
        raise ConfigurationError(f"{folder.parent} gave back other bytes than were written to it")
    storage, path = arrow_place(folder / "clock")
    return float((before - storage.get_file_info(path).mtime).total_seconds())


def loses_commits(folder: Place) -> bool:
    """Whether commits that are made at the same time overwrite each other.

    A commit must be a write that fails if its version exists; then it is made again as the next version. A store, or
    something in front of it, that ignores this condition loses what another run has committed.
    """
    path, options = str(folder / "commits"), store_options(folder)
    rows = pa.table({"writer": [0]})
    write_deltalake(path, rows, storage_options=options)
    writers = [DeltaTable(path, storage_options=options) for _ in range(_WRITERS)]
    together = Barrier(_WRITERS)

    def write(writer: DeltaTable) -> None:
        together.wait()
        write_deltalake(writer, rows, mode="append")

    with ThreadPoolExecutor(_WRITERS) as pool:
        try:
            list(pool.map(write, writers))
        except DeltaError:
            return True  # a version vanished under a writer
    return DeltaTable(path, storage_options=options).version() != _WRITERS


def require_safe_commits(root: Place) -> None:
    """Raise ConfigurationError if commits to an object store can overwrite each other; tried once per process."""
    if not isinstance(root, ObjectPath) or root in _safe:
        return
    with probe_folder(root) as folder:
        if loses_commits(folder):
            raise ConfigurationError(LOST.format(root))
    _safe.add(root)


LOST = (
    "the store of {} ignores the condition of a write (If-None-Match), so that two runs could overwrite each other's "
    "commits: use a store that supports conditional writes, such as S3 itself, MinIO, Ceph or versitygw"
)
"""What is wrong with a store that loses commits, and what to do"""
