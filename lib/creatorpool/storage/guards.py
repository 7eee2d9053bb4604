"""What rows must be to get into a table, refused by the expressions that write them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.schema import SPARK_TYPES, require_schema
from creatorpool.errors import TableGuardError
from creatorpool.refusal import GUARD, refused


def of_day(rows: DataFrame, table: str, day: date) -> DataFrame:
    """`rows`, of which one of another day than `day` stops the query."""
    fault = F.lit(f"{table}: a row is not of {day.isoformat()}, the day being replaced")
    return rows.where(F.when(F.col("date") == F.lit(day), F.lit(True)).otherwise(refused(fault, "boolean")))


def guarded(rows: DataFrame, contract: Contract) -> DataFrame:
    """`rows` with the contract's columns in its order, of which a required value that is null stops the query."""
    require_schema(rows.schema, contract)
    return rows.select(*(_guarded_column(c.name, c.type, c.nullable, contract.name) for c in contract.columns))


def _guarded_column(name: str, kind: str, nullable: bool, table: str) -> Column:
    value = F.col(name)
    if nullable:
        return value
    fault = F.lit(f"{table}: required column '{name}' is null in a row")
    return F.when(value.isNotNull(), value).otherwise(refused(fault, SPARK_TYPES[kind])).alias(name)


def as_guard_error(error: Exception) -> TableGuardError | None:
    """The refusal that a guarded expression raised inside the engine, if that is what `error` carries."""
    text = str(error)
    if GUARD not in text:
        return None
    return TableGuardError(text.split(GUARD, 1)[1].strip().splitlines()[0])
