"""The expressions of one part of a mapped table, and all that is wrong with them, found by the engine without data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import InputError
from creatorpool.expressions import reason
from creatorpool.ingest.sources.columns import mapped_column
from creatorpool.ingest.sources.files import require_column
from creatorpool.ingest.sources.mapping import INPUT_FILE, LoadedMapping, MappedPart, SourceMapping, TableMapping


def part_columns(mapping: SourceMapping, rows: DataFrame, contract: Contract, part: TableMapping) -> dict[str, Column]:
    """The columns of a part's table by name, as expressions over `rows`."""
    is_grouped = part.one_row_per is not None
    return {
        name: mapped_column(rows, how, contract.column(name), mapping.time_zone, is_grouped=is_grouped)
        for name, how in part.columns.items()
    }


def grouped_rows(rows: DataFrame, part: TableMapping, columns: Mapping[str, Column]) -> DataFrame:
    """One row for each value of `one_row_per`, with `columns`, which are aggregates or follow from these values."""
    keys = list(map(F.expr, part.one_row_per or ()))
    grouped = rows.groupBy(*keys).agg(*(column.alias(name) for name, column in columns.items()))
    # By position: the engines put the keys before the columns, and a column may have the name of a key.
    return grouped.toDF(*(f"key_{position}" for position in range(len(keys))), *columns).select(*columns)


def part_faults(loaded: LoadedMapping, rows: DataFrame, contract: Contract, found: MappedPart) -> list[str]:
    """Every column that the files lack, and every expression that the engine cannot compute from `rows`."""
    return list(_missing(loaded, rows, found)) or list(_broken(loaded, rows, contract, found))


def _missing(loaded: LoadedMapping, rows: DataFrame, found: MappedPart) -> Iterator[str]:
    for name, how in found.part.columns.items():
        place = loaded.place(*found.keys, "columns", name)
        for column in (*([how.column] if how.column else ()), *(how.joined or ())):
            try:
                require_column(column, rows, place)
            except InputError as error:
                yield str(error)


def _broken(loaded: LoadedMapping, rows: DataFrame, contract: Contract, found: MappedPart) -> Iterator[str]:
    part = found.part
    if part.where is not None:
        place = loaded.place(*found.keys, "where")
        yield from _fault(place, part.where, rows, partial(_condition, rows, part.where))
    for sql in part.one_row_per or ():
        yield from _fault(loaded.place(*found.keys, "one_row_per"), sql, rows, partial(_selected, rows, sql))
    for name, how in part.columns.items():
        place = loaded.place(*found.keys, "columns", name)
        yield from _fault(place, how.sql or name, rows, partial(_column, loaded, rows, contract, part, name))


def _column(loaded: LoadedMapping, rows: DataFrame, contract: Contract, part: TableMapping, name: str) -> DataFrame:
    only = part.model_copy(update={"columns": {name: part.columns[name]}})
    columns = part_columns(loaded.mapping, rows, contract, only)
    return rows.select(columns[name]) if part.one_row_per is None else grouped_rows(rows, only, columns)


def _selected(rows: DataFrame, sql: str) -> DataFrame:
    return rows.select(F.expr(sql))


def _condition(rows: DataFrame, sql: str) -> DataFrame:
    found = rows.select(F.expr(sql).alias("condition"))
    if not isinstance(found.schema["condition"].dataType, BooleanType):
        raise InputError("it is no condition")
    return found


def _fault(place: str, expression: str, rows: DataFrame, analyse: Callable[[], DataFrame]) -> Iterator[str]:
    """Why the engine cannot compute `expression` from `rows`, if it cannot."""
    try:
        analyse().schema  # noqa: B018 - makes the engine analyse it
    except (PySparkException, InputError) as error:
        columns = [name for name in rows.columns if name not in (RAW_ROW, INPUT_FILE)]
        yield f"{place}: cannot compute {expression!r}: {reason(str(error), expression, columns)}"
