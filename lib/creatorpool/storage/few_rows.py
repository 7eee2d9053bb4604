"""Reads rows of a table's files by Arrow; few rows for frames of the embedded engine that hold them.

Sail opens the log of a table in each query about it, and again for some steps of a query: 20 ms more after 400 nights
than after 10. deltalake opens a table once. Given the paths of files, Sail would take a lost file for one without rows,
so it is given the rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import DeltaTable
from pyarrow import fs
from pyspark.sql.types import StructType

from creatorpool.storage.materialize import nullable_schema

_MOST_FILES = 16
_MOST_ROWS = 20_000
_MOST_BYTES = 1 << 22
"""Of columns, before compression"""


def few_rows(delta: DeltaTable, files: Sequence[str], file_system: fs.FileSystem) -> tuple[pa.Table, StructType] | None:
    """The rows of `files`, which belong to `delta`, and the table's schema; None if they are many.

    Raises
    ------
    OSError, pyarrow.ArrowException
        If a file is missing or damaged.
    """
    if len(files) > _MOST_FILES:
        return None
    stored = delta.schema()
    source = dataset_of(files, pa.schema(stored.to_arrow()), delta.metadata().partition_columns, file_system)
    if not _is_small(source):
        return None
    schema = StructType.fromJson(json.loads(stored.to_json()))
    return source.to_table(columns=schema.names), nullable_schema(schema)


def dataset_of(
    files: Sequence[str], schema: pa.Schema, partition_by: Collection[str], file_system: fs.FileSystem
) -> pads.Dataset:
    """The rows of `files` with the columns of `schema`; the columns `partition_by` are read from names of folders."""
    folders = pa.schema([schema.field(name) for name in partition_by])
    stored = pa.schema([field for field in schema if field.name not in partition_by])
    partitioning = pads.partitioning(folders, flavor="hive")
    every = pa.unify_schemas([stored, folders])
    return pads.dataset(list(files), schema=every, filesystem=file_system, partitioning=partitioning)


def _is_small(source: pads.Dataset) -> bool:
    rows, size = 0, 0
    for file in source.get_fragments():
        groups = file.metadata.row_group
        rows += file.metadata.num_rows
        size += sum(groups(number).total_byte_size for number in range(file.metadata.num_row_groups))
    return rows <= _MOST_ROWS and size <= _MOST_BYTES
