"""Prepares delivered text for conversion to a contract's types."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from creatorpool.contracts import Contract
from creatorpool.ingest.optimization_barrier import behind_barrier

_NUMBER = r"^[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]{1,2})?$"


def with_whole_numbers(rows: DataFrame, contract: Contract) -> DataFrame:
    """`rows` with numbers such as ``3.0`` or ``8.64E7`` as ``3`` or ``86400000`` in text of integer columns.

    Writers that have only floating-point numbers write integers in this way.
    """
    whole = {column.name for column in contract.columns if column.type in {"BIGINT", "INT"}}
    texts = {field.name for field in rows.schema.fields if isinstance(field.dataType, StringType)}
    return rows.select(
        *(
            behind_barrier(_whole_number(F.col(name))).alias(name) if name in whole & texts else F.col(name)
            for name in rows.columns
        )
    )


def _whole_number(text: Column) -> Column:
    """`text`, or the digits of its integer value if it is written with a fraction or an exponent."""
    trimmed = F.trim(text)
    number = F.when(trimmed.rlike(_NUMBER), trimmed.try_cast("double"))
    whole = number.try_cast("decimal(38,0)")
    # Nearly all numbers are plain. The engines do not evaluate the rest for them.
    is_plain = text.isNull() | text.rlike("^ *[+-]?[0-9]+ *$")
    return F.when(is_plain, text).when(whole.cast("double") == number, whole.cast("string")).otherwise(text)
