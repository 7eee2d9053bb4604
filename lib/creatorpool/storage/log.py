"""The files of a table's log: which version is the latest, and which files only superseded versions need.

A log keeps the commit of each version. Readers list all of them to open a table, which takes longer than to read a
checkpoint. So the log of a table of which nobody reads earlier versions is shortened.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pyarrow import fs

from creatorpool.storage.files import arrow_place, parquet_file
from creatorpool.storage.object_path import ObjectPath
from creatorpool.storage.places import Place

# deltalake writes `….json#1` first: a name that ends otherwise is not committed.
_NAME = re.compile(r"(\d{20})\.(json|checkpoint[^#]*\.(json|parquet))")
_REMOVED = re.compile(r"\d{20}\.(json|checkpoint\.parquet)")
"""Names of the files that this module removes; other writers may have left others, which it leaves alone"""


@dataclass(frozen=True)
class _LogFile:
    version: int
    name: str
    modified: datetime

    @property
    def is_commit(self) -> bool:
        return self.name.endswith(".json")


def latest_version(table: Place) -> int | None:
    """The latest version of `table`, or None if the table does not exist.

    It takes one listing of names. deltalake asks for the size and time of each file, too.
    """
    found = map(_NAME.fullmatch, sorted(_names(_log(table)), reverse=True))  # numbers have leading zeros
    return next((int(match[1]) for match in found if match), None)


def superseded_files(table: Place, before: datetime) -> list[Place]:
    """The files of the log that only versions need which other versions replaced earlier than `before`.

    They are in the order in which they may be removed: whatever remains after each of them, the other versions stay
    readable. The files begin with the first version and end before a checkpoint that is complete. There are none if
    the log has no such checkpoint.
    """
    storage, path = arrow_place(_log(table))
    files = [
        _LogFile(int(info.base_name[:20]), info.base_name, info.mtime)
        for info in storage.get_file_info(fs.FileSelector(path))
        if _REMOVED.fullmatch(info.base_name)
    ]
    commits = {file.version: file.modified for file in files if file.is_commit}
    # A version is the latest one until the next commit.
    recent = min((version - 1 for version, modified in commits.items() if modified >= before), default=max(commits))
    checkpoints = (file for file in files if not file.is_commit and file.version <= recent)
    for start in sorted(checkpoints, key=lambda file: file.version, reverse=True):
        if _is_complete(_log(table) / start.name):
            earlier = [file for file in files if file.version < start.version]
            return [_log(table) / file.name for file in sorted(earlier, key=lambda file: (file.version, file.name))]
    return []


def _log(table: Place) -> Place:
    return table / "_delta_log"


def _names(folder: Place) -> list[str]:
    try:
        return [place.name for place in folder.iterdir()] if isinstance(folder, ObjectPath) else os.listdir(str(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_complete(checkpoint: Place) -> bool:
    """Whether a checkpoint can be read and has what each checkpoint must have."""
    needed = ["protocol", "metaData"]
    try:
        with parquet_file(checkpoint) as file:
            rows = file.read(columns=needed)
    except (OSError, pa.ArrowException):
        return False
    return all(name in rows.column_names and rows[name].null_count < rows.num_rows for name in needed)
