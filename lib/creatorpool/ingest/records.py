"""Records of text files as Arrow batches: the required columns as text, and the whole record in `raw_row`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.quoting import quoted

RAW_CHARACTERS = 1_000
"""Greatest number of characters of an unreadable record that quarantine shows"""


@dataclass(frozen=True)
class Records:
    """Some records of one file. Unreadable records have NULL in all columns except `raw_row`.

    If `raw_row` of a readable record is NULL, the columns are the whole record.
    """

    batch: pa.RecordBatch
    is_readable: bool = True


def record_schema(names: Sequence[str]) -> pa.Schema:
    """Columns `names` and `raw_row`, all text."""
    return pa.schema([pa.field(name, pa.string()) for name in (*names, RAW_ROW)])


def unreadable(raw_rows: Sequence[str], names: Sequence[str]) -> Records:
    """Unreadable records with the given texts, which are shortened."""
    raw = pa.array([quoted(row, RAW_CHARACTERS) for row in raw_rows], pa.string())
    columns = [pa.nulls(len(raw_rows), pa.string()) for _ in names]
    return Records(pa.RecordBatch.from_arrays([*columns, raw], schema=record_schema(names)), is_readable=False)
