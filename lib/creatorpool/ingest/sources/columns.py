"""Column expressions of a mapping. What cannot be read stays text, so that the contract's rules name its column."""

from __future__ import annotations

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    IntegralType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from creatorpool.contracts import model
from creatorpool.ingest.sources.mapping import ColumnMapping, Constant

_MICROS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_EXACT = "decimal(27,9)"
"""Numbers of 18 digits and 9 decimals: a product with a factor of 10 digits still fits a decimal"""
_WHOLE = "decimal(29,0)"
"""Beside 9 decimals it fits in 38 digits. Spark compares decimals that do not fit in that without their fractions"""

_PLAIN_NUMBER = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$"  # one engine reads exponents as decimals, the other does not
_NAMES_ZONE = "(Z|[0-9]{2}:?[0-9]{2} ?[+-][0-9]{2}(:?[0-9]{2})?|[:.0-9]+ ?[+-][0-9]{2}(:?[0-9]{2})?)$"

_CLOCK_TIME = "[0-9]:[0-9]{2}"


def named(name: str) -> Column:
    """The column called `name`, which may have any characters."""
    return F.col("`" + name.replace("`", "``") + "`")


def mapped_column(
    rows: DataFrame, given: ColumnMapping, wanted: model.Column, zone: str, *, is_grouped: bool = False
) -> Column:
    """The column `wanted` of a contract, as `given` makes it from `rows`; times without a zone are of `zone`.

    `rows` must have the columns that `given` names; a PySparkException if the engine cannot compute its expression. If
    `rows` are going to be grouped, an expression keeps its type, which only the groups would tell.
    """
    if is_grouped and given.sql is not None:
        value = F.expr(given.sql)
        return value if given.default is None else F.coalesce(value, _constant(given.default))
    value = _origin(rows, given, wanted, given.time_zone or zone)
    return value if given.default is None else _with_default(rows, value, given.default)


def own_name(rows: DataFrame, name: str) -> str | None:
    """The column `name` as it is written in `rows`, or None; engines do not distinguish upper and lower case."""
    return next((own for own in rows.columns if own.lower() == name.lower()), None)


def moment(rows: DataFrame, given: ColumnMapping, zone: str) -> Column:
    """The moment that `given` makes from `rows`, a TIMESTAMP; NULL where it cannot be read."""
    wanted = model.Column("event_time", "TIMESTAMP", nullable=True, description="")
    return mapped_column(rows, given, wanted, zone).try_cast("timestamp")


def lacks_zone(value: Column, kind: DataType) -> Column:
    """Whether a value of a column of type `kind` is a moment that names no zone; days and numbers are none."""
    if isinstance(kind, StringType):
        text = F.trim(value)
        return text.rlike(_CLOCK_TIME) & ~text.rlike(_NAMES_ZONE)
    return value.isNotNull() if isinstance(kind, TimestampNTZType) else F.lit(False)


def _origin(rows: DataFrame, given: ColumnMapping, wanted: model.Column, zone: str) -> Column:
    if given.joined is not None:
        return _joined(given.joined)
    if given.sql is not None:
        return _fitting(F.expr(given.sql), _kind(rows, F.expr(given.sql)), wanted)
    if given.column is None:
        return _constant(given.value)
    kind = rows.schema[own_name(rows, given.column) or given.column].dataType
    return _converted(named(given.column), kind, given, wanted, zone)


def _kind(rows: DataFrame, value: Column) -> DataType:
    return rows.select(value.alias("value")).schema["value"].dataType


def _converted(value: Column, kind: DataType, given: ColumnMapping, wanted: model.Column, zone: str) -> Column:
    if given.epoch is not None:
        micros = _number(value, kind) * F.lit(_MICROS[given.epoch])
        return _or_text(F.timestamp_micros(micros.try_cast("bigint")), value)
    if given.multiply is not None:
        product = _number(value, kind) * F.lit(given.multiply)
        return _or_text(_plain(F.round(product, 0) if given.round else product), value)
    if wanted.type == "TIMESTAMP" and zone != "UTC" and not isinstance(kind, TimestampType):
        return _local_time(value, kind, zone)
    return _fitting(value, kind, wanted)


def _number(value: Column, kind: DataType) -> Column:
    if not isinstance(kind, StringType):
        return value.try_cast(_EXACT)
    text = F.trim(value)
    return F.when(text.rlike(_PLAIN_NUMBER), text.try_cast(_EXACT))


def _plain(number: Column) -> Column:
    """A decimal number without a fraction that is zero."""
    whole = number.try_cast(_WHOLE)
    return F.when(whole == number, whole.cast("string")).otherwise(number.cast("string"))


def _or_text(read: Column, value: Column) -> Column:
    return F.coalesce(read.cast("string"), value.cast("string"))


def _local_time(value: Column, kind: DataType, zone: str) -> Column:
    """The moment of a local time as text in UTC; a text that names its own zone stays as it is."""
    text = F.trim(value.cast("string"))
    utc = F.to_utc_timestamp(text.try_cast("timestamp"), zone)
    has_zone = text.rlike(_NAMES_ZONE) if isinstance(kind, StringType) else F.lit(False)
    return F.when(has_zone, text).otherwise(_or_text(utc, value))


def _fitting(value: Column, kind: DataType, wanted: model.Column) -> Column:
    """Numbers as text, and days as times, where the contract wants these; other types as they are."""
    is_whole = isinstance(kind, IntegralType) or (isinstance(kind, DecimalType) and kind.scale == 0)
    if wanted.type == "STRING" and is_whole:
        return value.cast("string")
    if wanted.type == "TIMESTAMP" and isinstance(kind, DateType):
        return value.cast("timestamp")
    return value


def _joined(names: list[str]) -> Column:
    texts = [named(name).cast("string") for name in names]
    is_whole = reduce(and_, (F.trim(text) != "" for text in texts))
    return F.when(is_whole, F.concat_ws("-", *texts))


def _with_default(rows: DataFrame, value: Column, default: Constant) -> Column:
    kind = _kind(rows, value)
    if isinstance(kind, StringType):
        return F.when(F.trim(value) != "", value).otherwise(_constant(default).cast("string"))
    return F.coalesce(value, _constant(default).cast(kind.simpleString()))


def _constant(value: Constant) -> Column:
    return F.array(*map(F.lit, value)) if isinstance(value, list) else F.lit(value)
