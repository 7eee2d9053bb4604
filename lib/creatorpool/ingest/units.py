"""Warns of money that seems to be in currency units instead of micros. Only people can decide, so it is a warning."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, FractionalType, StringType

from creatorpool.contracts import Contract
from creatorpool.ingest.delivery import Delivery
from creatorpool.money import MICROS_PER_UNIT

_DECIMALS = r"^\s*[+-]?[0-9]+[.][0-9]{2,}\s*$"


def unit_warnings(delivery: Delivery, contract: Contract) -> tuple[str, ...]:
    """One warning for each column of micros in which every delivered value looks like currency units.

    A value looks like units if it has two or more decimals, as ``10.000000``; or if it has a fraction, as ``10.0``, and
    is less than a million. Integers never look like units.
    """
    names = [column.name for column in contract.columns if column.unit == "micros"]
    return tuple(
        f"{contract.name}: every {name} looks like currency units, such as '{example}', but is read as micros: "
        f"multiply by {MICROS_PER_UNIT:,} if it is not in micros"
        for name in names
        if (example := _example_of_units(delivery, name)) is not None
    )


def _example_of_units(delivery: Delivery, name: str) -> str | None:
    integers = [part.where(F.col(name).isNotNull()) for part in delivery.typed if name in part.columns]
    if any(not rows.isEmpty() for rows in integers):
        return None
    parts = [part.select(_text(part, name), _is_unit(part, name)) for part in delivery.parts if name in part.columns]
    if not parts:
        return None
    given = reduce(DataFrame.unionByName, parts).where(F.col("text").isNotNull())
    (found,) = given.agg(F.min("is_unit").alias("all_units"), F.max("text").alias("example")).collect()
    return str(found["example"]) if found["all_units"] else None


def _text(part: DataFrame, name: str) -> Column:
    return F.nullif(F.trim(F.col(name).cast("string")), F.lit("")).alias("text")


def _is_unit(part: DataFrame, name: str) -> Column:
    kind = part.schema[name].dataType
    is_fraction = F.lit(isinstance(kind, FractionalType) and not (isinstance(kind, DecimalType) and kind.scale == 0))
    text = F.col(name).cast("string")
    has_decimals = F.lit(False)
    if isinstance(kind, StringType):
        is_fraction = F.coalesce(text.contains("."), F.lit(False))
        has_decimals = F.coalesce(text.rlike(_DECIMALS), F.lit(False))
    elif isinstance(kind, DecimalType):
        has_decimals = F.lit(kind.scale >= 2)
    is_small = F.coalesce(F.abs(text.try_cast("double")) < MICROS_PER_UNIT, F.lit(False))
    return (has_decimals | (is_fraction & is_small)).alias("is_unit")
