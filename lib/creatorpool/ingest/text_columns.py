"""Delivered text as a contract's columns want it, before its types are."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.ingest.optimization_barrier import behind_barrier

_NUMBER = r"^[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]{1,2})?$"


def with_whole_numbers(rows: DataFrame, contract: Contract) -> DataFrame:
    """Text columns with numbers such as ``3.0`` or ``8.64E7`` as whole ones, where whole ones are wanted.

    Writers that know only floating-point numbers write them so.
    """
    whole = {column.name for column in contract.columns if column.type in {"BIGINT", "INT"}}
    return rows.select(
        *(
            behind_barrier(_whole_number(F.col(name))).alias(name) if name in whole else F.col(name)
            for name in rows.columns
        )
    )


def _whole_number(text: Column) -> Column:
    """`text` itself, or the digits of the whole number that it writes with a fraction or an exponent."""
    trimmed = F.trim(text)
    number = F.when(trimmed.rlike(_NUMBER), trimmed.try_cast("double"))
    whole = number.try_cast("decimal(38,0)")
    is_plain = trimmed.rlike("^[+-]?[0-9]+$")
    return F.when(~is_plain & (whole.cast("double") == number), whole.cast("string")).otherwise(text)
