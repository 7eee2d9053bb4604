"""Checks that rows must pass to be written to a table, as part of the expressions that write them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.schema import SPARK_TYPES, require_schema
from creatorpool.errors import TableGuardError
from creatorpool.refusal import GUARD, refused


def other_day_message(table: str, day: date) -> str:
    """The message where a write that replaces `day` has a row of another day."""
    return f"{table}: a row does not belong to {day.isoformat()}, the day whose rows are replaced"


def of_day(rows: DataFrame, table: str, day: date) -> DataFrame:
    """`rows`, with a check that stops the query at a row of another day than `day`."""
    fault = F.lit(other_day_message(table, day))
    return rows.where(F.when(F.col("date") == F.lit(day), F.lit(True)).otherwise(refused(fault, "boolean")))


def guarded(rows: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns of `rows`, in its order, with a check that stops the query at a required value of null.

    Raises
    ------
    TableGuardError
        If columns or types differ from the contract.
    """
    require_schema(rows.schema, contract)
    return rows.select(*(_guarded_column(c.name, c.type, c.nullable, contract.name) for c in contract.columns))


def _guarded_column(name: str, kind: str, nullable: bool, table: str) -> Column:
    value = F.col(name)
    if nullable:
        return value
    fault = F.lit(f"{table}: required column '{name}' is null in a row")
    return F.when(value.isNotNull(), value).otherwise(refused(fault, SPARK_TYPES[kind])).alias(name)


def as_guard_error(error: Exception) -> TableGuardError | None:
    """The TableGuardError for an engine's error that a guarded expression raised; None for any other error."""
    text = str(error)
    if GUARD not in text:
        return None
    return TableGuardError(text.split(GUARD, 1)[1].strip().splitlines()[0])
