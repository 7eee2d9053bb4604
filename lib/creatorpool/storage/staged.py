"""Staged rows: Parquet files in a table's folder that the table's log does not name yet.

An engine, or this process, writes the files; later a commit of a few milliseconds adds them to the table. So all rows
can be checked before any is visible. A run that ends in between leaves files that nobody reads; maintenance deletes
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from pyarrow import fs

from creatorpool.storage.files import arrow_place
from creatorpool.storage.places import Place

Mode = Literal["replace_day", "append", "overwrite"]


@dataclass(frozen=True)
class StagedRows:
    """Files for `table`, in a folder of their own; with `day`, all their rows belong to that day."""

    table: str
    mode: Mode
    day: date | None
    folder: str
    """Relative to the table's folder"""
    files: tuple[AddAction, ...]
    rows: int


def staging_folder(day: date | None) -> str:
    """A new folder for files, relative to the table's folder; with `day`, below the partition of the day."""
    name = uuid4().hex
    return name if day is None else f"date={day.isoformat()}/{name}"


def found_files(table: Place, folder: str, day: date | None) -> Iterator[tuple[AddAction, int]]:
    """The Parquet files below `folder` of a table that have rows, as log entries, each with its number of rows."""
    storage, base = arrow_place(table)
    selector = fs.FileSelector(f"{base}/{folder}", recursive=True, allow_not_found=True)
    for info in sorted(storage.get_file_info(selector), key=lambda found: found.path):
        if info.type != fs.FileType.File or not info.path.endswith(".parquet"):
            continue
        name = info.path[len(base) + 1 :]
        with storage.open_input_file(info.path) as file:
            rows = pq.read_metadata(file).num_rows
        if rows:
            moment = int(info.mtime.timestamp() * 1000)
            statistics = json.dumps({"numRecords": rows})
            yield AddAction(name, info.size, _partition(name, day), moment, True, statistics), rows


def write_file(rows: pa.Table, table: Place, folder: str) -> None:
    """Write a few rows as one Parquet file into `folder` of a table."""
    (table / folder).mkdir(parents=True, exist_ok=True)
    storage, path = arrow_place(table / folder / "part-0.parquet")
    pq.write_table(rows, path, filesystem=storage, compression="zstd")


def _partition(name: str, day: date | None) -> dict[str, str | None]:
    """Values of a file's partition columns: from `day`, or from the folders that the engine made."""
    if day is not None:
        return {"date": day.isoformat()}
    parts = (part.partition("=") for part in name.split("/")[:-1] if "=" in part)
    return {column: unquote(value) for column, _, value in parts}
