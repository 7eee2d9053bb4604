"""Compares the clocks of a mapping and of `ingest.day_timezone` with the sampled times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import load_contract
from creatorpool.ingest.shifted_day import GAINED_SHARE
from creatorpool.ingest.sources.columns import lacks_zone, named, own_name
from creatorpool.ingest.sources.files import InputRows
from creatorpool.ingest.sources.mapping import ColumnMapping, LoadedMapping
from creatorpool.platform_day import day_begins

_MOST_HOURS = 14
_FULL_HOURS = 23
"""Hours with records of a whole day; one is less because clocks change, or differ from UTC by half an hour"""
_REACH_HOURS = 24 * 400
_MICROS_PER_HOUR = 3_600_000_000


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


def hours_of(moments: DataFrame, day: date, timezone: str) -> dict[int, int]:
    """Numbers of rows of `moments` (`event_ts`) by the hour from the beginning of `day`, within about a year."""
    start = round(day_begins(day, timezone).timestamp()) * 1_000_000
    hour = F.floor((F.unix_micros("event_ts") - F.lit(start)) / F.lit(_MICROS_PER_HOUR)).cast("int")
    near = moments.select(hour.alias("hour")).where(F.col("hour").between(-_REACH_HOURS, _REACH_HOURS))
    return {row["hour"]: row["count"] for row in near.groupBy("hour").count().collect()}


def hours_to_whole_days(counts: Mapping[int, int]) -> int | None:
    """Hours from midnight at which days begin so that the records fill whole days; None if they never do.

    `counts` are numbers of records by the hour from a midnight. Days with few records, such as those of late ones, are
    not asked. 0 says that the records fill the days from midnight on; other hours that fit do not count against it.
    """
    lost = {
        start: share for start in range(-_MOST_HOURS, _MOST_HOURS + 1) if (share := _lost(counts, start)) is not None
    }
    if 0 in lost:
        return 0
    return min(lost, key=lambda start: (lost[start], abs(start)), default=None)


def _lost(counts: Mapping[int, int], start: int) -> float | None:
    """Share of records outside of whole days that begin `start` hours after midnight; None if a day has gaps."""
    days: dict[int, dict[int, int]] = {}
    for hour, number in counts.items():
        days.setdefault((hour - start) // 24, {})[hour] = number
    sizes = {day: sum(hours.values()) for day, hours in days.items()}
    least = GAINED_SHARE * max(sizes.values(), default=0)
    whole = [day for day, size in sizes.items() if size >= least]
    if not whole or any(len(days[day]) < _FULL_HOURS for day in whole):
        return None
    return 1 - sum(sizes[day] for day in whole) / sum(sizes.values())


def clocks(day: date, timezone: str, hours: int) -> str:
    """The clocks by which days begin `hours` after those of `timezone`, as an offset: ``UTC+07:00``."""
    offset = (day_begins(day, timezone).utcoffset() or timedelta()) - timedelta(hours=hours)
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
