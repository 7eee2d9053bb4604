"""Compares the clocks of a mapping and of `ingest.day_timezone` with the sampled times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import load_contract
from creatorpool.ingest.sources.columns import lacks_zone, named, own_name
from creatorpool.ingest.sources.files import InputRows
from creatorpool.ingest.sources.mapping import ColumnMapping, LoadedMapping


@dataclass(frozen=True)
class LocalTimes:
    """Sampled times without a zone in a column of an input: how many they are, and one of them."""

    input: str
    column: str
    number: int
    example: str


def local_times(loaded: LoadedMapping, inputs: Mapping[str, InputRows]) -> list[LocalTimes]:
    """The columns with times that are read in the mapping's `time_zone`, because they name no zone themselves."""
    return [
        found
        for name, column in sorted(set(_time_columns(loaded)))
        if name in inputs and (found := _local_times(name, column, inputs[name].rows)) is not None
    ]


def _time_columns(loaded: LoadedMapping) -> Iterator[tuple[str, str]]:
    """Inputs and columns of the mapping that are read as times, without those that give an epoch or a zone."""
    mapping = loaded.mapping
    for name, given in mapping.inputs.items():
        if given.time is not None:
            yield from _plain_columns(name, given.time)
    for table, parts in mapping.tables.items():
        times = {column.name for column in load_contract(table).columns if column.type == "TIMESTAMP"}
        for part in parts:
            for wanted, how in part.columns.items():
                if wanted in times:
                    yield from _plain_columns(part.input, how)


def _plain_columns(name: str, how: ColumnMapping) -> Iterator[tuple[str, str]]:
    if how.column is not None and how.epoch is None and how.time_zone is None:
        yield name, how.column


def _local_times(name: str, column: str, rows: DataFrame) -> LocalTimes | None:
    own = own_name(rows, column)
    if own is None:
        return None
    value = named(own)
    local = rows.where(lacks_zone(value, rows.schema[own].dataType))
    number, example = local.agg(F.count("*"), F.min(value.cast("string"))).collect()[0]
    return LocalTimes(name, column, number, example) if number else None
