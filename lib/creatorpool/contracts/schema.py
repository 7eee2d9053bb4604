"""Converts a contract to a Spark schema, and compares schemas of frames with it."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from creatorpool.contracts.model import Contract
from creatorpool.errors import TableGuardError

SPARK_TYPES: dict[str, DataType] = {
    "STRING": StringType(),
    "BIGINT": LongType(),
    "INT": IntegerType(),
    "DOUBLE": DoubleType(),
    "BOOLEAN": BooleanType(),
    "DATE": DateType(),
    "TIMESTAMP": TimestampType(),
    "ARRAY<STRING>": ArrayType(StringType()),
}


def spark_schema(contract: Contract) -> StructType:
    """The table's schema: columns in the contract's order, with nullability, and descriptions as comments."""
    return StructType(
        [
            StructField(column.name, SPARK_TYPES[column.type], column.nullable, {"comment": column.description})
            for column in contract.columns
        ]
    )


def schema_differences(
    actual: StructType, contract: Contract, *, absent: Collection[str] = (), nullability: bool = False
) -> list[str]:
    """The differences between `actual` and the contract, one phrase per kind of difference; empty if there are none.

    Columns are compared by name, in any order; those in `absent` may be present or missing. Nullability is compared
    only if asked for: the schema of a stored table states it, but the plan of a frame often does not know it.
    """
    fields = {field.name: field for field in actual.fields}
    columns = {column.name: column for column in contract.columns if column.name not in absent}
    shared = [name for name in columns if name in fields]
    found = {
        "missing columns": [name for name in columns if name not in fields],
        "columns not in the contract": [name for name in fields if name not in columns and name not in absent],
        "wrong type": [
            f"{name} {type_name(fields[name].dataType)} (contract {columns[name].type})"
            for name in shared
            if type_name(fields[name].dataType) != columns[name].type
        ],
        "wrong nullability": [
            f"{name} {'nullable' if fields[name].nullable else 'not null'}"
            f" (contract {'nullable' if columns[name].nullable else 'not null'})"
            for name in shared
            if nullability and fields[name].nullable != columns[name].nullable
        ],
    }
    return [f"{kind}: {', '.join(names)}" for kind, names in found.items() if names]


def require_schema(
    actual: StructType, contract: Contract, *, absent: Collection[str] = (), nullability: bool = False
) -> None:
    """Raise TableGuardError if `actual` differs from the contract, with all differences and both lists of columns."""
    differences = schema_differences(actual, contract, absent=absent, nullability=nullability)
    if differences:
        raise TableGuardError(mismatch_message(actual, contract, differences))


def mismatch_message(actual: StructType, contract: Contract, differences: list[str]) -> str:
    """The message for `differences`, with the columns of `actual` and of the contract."""
    got = ", ".join(f"{field.name} {type_name(field.dataType)}" for field in actual.fields)
    promised = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
    return (
        f"{contract.name}: columns differ from contract {contract.version} ({contract.path.name}): "
        f"{'; '.join(differences)}. Got: {got}. Contract: {promised}."
    )


def with_new_columns(rows: DataFrame, contract: Contract) -> DataFrame:
    """Stored rows with NULL in nullable columns that were added to the contract after the rows were written."""
    gained = [column for column in contract.columns if column.nullable and column.name not in rows.columns]
    return rows.withColumns({c.name: F.lit(None).cast(SPARK_TYPES[c.type]) for c in gained}) if gained else rows


def type_name(kind: DataType) -> str:
    """Spark's own short name in upper case, as contracts write it, such as ``ARRAY<STRING>``."""
    return kind.simpleString().upper()
