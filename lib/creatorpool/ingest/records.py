"""Records of text files as Arrow batches: the wanted columns as text, and the record itself in `raw_row`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.quoting import quoted

RAW_CHARACTERS = 1_000
"""Quarantine shows at most so many characters of a record of which nothing could be read."""


@dataclass(frozen=True)
class Records:
    """Some records of one file; those that could not be read have NULL in all columns but `raw_row`.

    Where a readable record's `raw_row` is NULL, its columns stand for it.
    """

    batch: pa.RecordBatch
    is_readable: bool = True


def record_schema(names: Sequence[str]) -> pa.Schema:
    """Columns `names` and `raw_row`, all text."""
    return pa.schema([pa.field(name, pa.string()) for name in (*names, RAW_ROW)])


def unreadable(raw_rows: Sequence[str], names: Sequence[str]) -> Records:
    """Records of which nothing could be read but their text, which is shortened."""
    raw = pa.array([quoted(row, RAW_CHARACTERS) for row in raw_rows], pa.string())
    columns = [pa.nulls(len(raw_rows), pa.string()) for _ in names]
    return Records(pa.RecordBatch.from_arrays([*columns, raw], schema=record_schema(names)), is_readable=False)
