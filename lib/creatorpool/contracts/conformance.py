"""Converts delivered rows to a contract's types, and names the columns whose values cannot be converted."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, NumericType, StringType, TimestampNTZType

from creatorpool.contracts import model
from creatorpool.contracts.model import Contract
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW, names_where, row_as_json
from creatorpool.contracts.schema import mismatch_message, schema_differences, type_name
from creatorpool.errors import TableGuardError

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = "Z|[+-][0-9]{2}(:?[0-9]{2})?"
# The engines' own casts accept too much: '2026' becomes New Year's Day, '10:00' a time of today.
_TEXT_FORMS = {
    "BIGINT": "[+-]?[0-9]+",
    "INT": "[+-]?[0-9]+",
    "DOUBLE": "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?",
    "BOOLEAN": "(?i)(true|false|1|0)",
    "DATE": _DAY,
    "TIMESTAMP": f"{_DAY}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]{{1,9}})?)? ?({_ZONE})?)?",
}
# The years that Python's dates can represent; Parquet can store more.
_CALENDAR = {
    "DATE": ("0001-01-01", "9999-12-31"),
    "TIMESTAMP": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
}


def conform(df: DataFrame, contract: Contract, *, absent: Collection[str] = (), with_raw_row: bool = True) -> DataFrame:
    """Delivered rows in the contract's types: one row in, one row out; no row is refused here.

    Text is read strictly: ISO 8601 dates and times (UTC unless they name a zone), ``true``/``false``/``1``/``0``, plain
    decimal numbers, lists as a JSON array or separated by ``|``; blank text is NULL except in a STRING column. Numbers
    of another type must have the same value in the contract's type. Dates and times must be in the years 1 to 9999.

    Parameters
    ----------
    df : DataFrame
        Columns in the contract's types, as text, or as numbers of another type; optionally `raw_row`, the row as it was
        delivered, and the copies that `with_delivered` adds, which stay.
    absent : collection of str
        Columns of the contract that the delivery does not have, such as `date` of events.
    with_raw_row : bool
        False leaves out `raw_row`, which costs more than all else and is needed for few rows; `raw_row_of` makes it
        later. It needs `has_contract_types`.

    Returns
    -------
    DataFrame
        The contract's columns without `absent`, in its order, `raw_row` (JSON) and `failed_rules`, with
        `<column>_readable` for each value that cannot be converted to the column's type; such a value becomes NULL.

    Raises
    ------
    TableGuardError
        If columns are missing, not in the contract, or of a type that cannot be converted; the message names them.
    """
    delivered = {field.name: field.dataType for field in df.schema.fields}
    _require_readable(df, contract, absent)
    columns = [column for column in contract.columns if column.name not in absent]
    typed = {column.name: _typed(column, delivered[column.name]) for column in columns}
    failed = names_where(
        {
            f"{column.name}_readable": ~_was_read(column, delivered[column.name], typed[column.name])
            for column in columns
            if type_name(delivered[column.name]) != column.type or column.type in _CALENDAR
        }
    )
    named = [value.alias(name) for name, value in typed.items()]
    if with_raw_row:
        raw_row = F.col(RAW_ROW) if RAW_ROW in delivered else row_as_json(df, df.columns)
        kept = [F.col(name) for name in _copies(contract) if name in delivered]
        return df.select(*named, *kept, raw_row.alias(RAW_ROW), failed.alias(FAILED_RULES))
    copies = [F.col(c.name).alias(delivered_name(c.name)) for c in columns if c.type in _CALENDAR]
    return df.select(*named, *copies, failed.alias(FAILED_RULES))


def has_contract_types(df: DataFrame, contract: Contract) -> bool:
    """Whether each column of `df` has the contract's type, so that only dates and times may be unreadable."""
    types = {field.name: type_name(field.dataType) for field in df.schema.fields}
    return all(types.get(column.name, column.type) == column.type for column in contract.columns)


def with_delivered(rows: DataFrame, contract: Contract) -> DataFrame:
    """`rows` of text with a copy of each column whose type is another one, from which `raw_row_of` makes the row."""
    return rows.withColumns({delivered_name(name): F.col(name) for name in converted_types(contract, rows.columns)})


def converted_types(contract: Contract, names: Collection[str]) -> dict[str, str]:
    """The types of those of columns `names` that are not text, so that delivered text is converted."""
    return {c.name: c.type for c in contract.columns if c.name in names and c.type != "STRING"}


def delivered_name(name: str) -> str:
    """The name of the column with the delivered value of column `name`, beside the converted one."""
    return f"{name} (delivered)"


def raw_row_of(rows: DataFrame, names: Sequence[str]) -> Column:
    """The row as delivered, as JSON: `raw_row` if `rows` has it, else made from the delivered columns `names`."""
    made = row_as_json(
        rows, names, {name: delivered_name(name) for name in names if delivered_name(name) in rows.columns}
    )
    return F.coalesce(F.col(RAW_ROW), made) if RAW_ROW in rows.columns else made


def _copies(contract: Contract) -> list[str]:
    return [delivered_name(name) for name in contract.column_names]


def _require_readable(df: DataFrame, contract: Contract, absent: Collection[str]) -> None:
    readable = {
        column.name
        for column in contract.columns
        if column.name in df.columns and _can_read(column.type, df.schema[column.name].dataType)
    }
    differences = schema_differences(df.schema, contract, absent=[*absent, *readable, *_copies(contract), RAW_ROW])
    if differences:
        raise TableGuardError(mismatch_message(df.schema, contract, differences))


def _can_read(wanted: str, given: DataType) -> bool:
    if isinstance(given, StringType):
        return True
    if isinstance(given, NumericType):
        return wanted in {"BIGINT", "INT", "DOUBLE", "BOOLEAN"}
    return isinstance(given, TimestampNTZType) and wanted == "TIMESTAMP"


def _typed(column: model.Column, given: DataType) -> Column:
    value = F.col(column.name)
    if column.type in _CALENDAR and not isinstance(given, StringType):
        moment = value.try_cast(column.type)
        return F.when(moment.between(*(F.lit(end).cast(column.type) for end in _CALENDAR[column.type])), moment)
    if type_name(given) == column.type:
        return value
    if isinstance(given, NumericType) and column.type in {"BIGINT", "INT"}:
        # Through decimals: a direct cast of a double from 2^63 upwards gives the largest BIGINT on Spark.
        return value.try_cast("DECIMAL(38, 0)").try_cast(column.type)
    if not isinstance(given, StringType):
        return value.try_cast(column.type)
    text = _text(value)
    if column.type == "ARRAY<STRING>":
        return F.when(text.startswith("["), F.from_json(text, "ARRAY<STRING>")).otherwise(F.split(text, "[|]"))
    return F.when(text.rlike(f"^({_TEXT_FORMS[column.type]})$"), text.try_cast(column.type))


def _was_read(column: model.Column, given: DataType, typed: Column) -> Column:
    value = F.col(column.name)
    if isinstance(given, StringType):
        return _text(value).isNull() | typed.isNotNull()
    if isinstance(given, NumericType):
        # A flag is 0 or 1; a number keeps its value.
        same = value.isin(0, 1) if column.type == "BOOLEAN" else typed.try_cast(given.simpleString()) == value
        return value.isNull() | F.coalesce(same, F.lit(False))
    return value.isNull() | typed.isNotNull()


def _text(value: Column) -> Column:
    trimmed = F.trim(value)
    return F.when(trimmed != "", trimmed)
