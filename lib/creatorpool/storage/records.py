"""Converts a contract to an Arrow schema, and records of this process to rows of its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from creatorpool.contracts import Contract
from creatorpool.errors import TableGuardError
from creatorpool.quoting import quoted

_ARROW_TYPES: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "ARRAY<STRING>": pa.list_(pa.string()),
}


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a contract's type, such as `BIGINT`."""
    return _ARROW_TYPES[kind]


def arrow_schema(contract: Contract) -> pa.Schema:
    """The contract's columns as Arrow fields."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=True) for c in contract.columns])


def records_table(records: Sequence[Mapping[str, Any]], contract: Contract) -> pa.Table:
    """`records` as an Arrow table; TableGuardError if columns differ from the contract or a required value is null."""
    expected = {column.name for column in contract.columns}
    for record in records:
        if set(record) != expected:
            raise TableGuardError(f"{contract.name}: got columns {sorted(record)}, contract has {sorted(expected)}")
        empty = [c.name for c in contract.columns if not c.nullable and record[c.name] is None]
        if empty:
            raise TableGuardError(f"{contract.name}: required columns {empty} are null in {quoted(dict(record))}")
    return pa.Table.from_pylist([dict(record) for record in records], schema=arrow_schema(contract))
