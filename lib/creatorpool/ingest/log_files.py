"""What each file of a log with several days holds: records by the hour, and records without a readable time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.ingest.delivery import LogTimes
from creatorpool.ingest.events import EventDays
from creatorpool.platform_day import day_begins

_MICROS_PER_HOUR = 3_600_000_000
_MOST_HOURS = 24 * 400
"""Times that are further from the day are counted together: a file may have any"""


@dataclass(frozen=True)
class LogFile:
    """A file's records by the hour from the beginning of the run's day, and those without a readable time.

    Without a `name` it is several files, of which the engine does not tell the records apart.
    """

    name: str | None
    hours: Mapping[int, int] = field(default_factory=dict)
    dateless: int = 0

    @property
    def number(self) -> int:
        """The number of its records."""
        return sum(self.hours.values()) + self.dateless

    @property
    def is_of_day(self) -> bool:
        """Whether it has records of the run's day."""
        return any(0 <= hour < 24 for hour in self.hours)


def log_files(logs: Sequence[LogTimes], days: EventDays) -> list[LogFile]:
    """The files of `logs`, one query for each log."""
    return [file for log in logs for file in _files(log, days)]


def hours_of(times: DataFrame, days: EventDays) -> dict[int, int]:
    """Numbers of rows of `times` (`event_ts`) by the hour from the beginning of the day, without unreadable times."""
    found = times.select(_hour(days).alias("hour")).where(F.col("hour").isNotNull()).groupBy("hour").count()
    return {row["hour"]: row["count"] for row in found.collect()}


def all_hours(files: Iterable[LogFile]) -> dict[int, int]:
    """The records of all `files` by the hour."""
    found: Counter[int] = Counter()
    for file in files:
        found.update(file.hours)
    return dict(found)


def _files(log: LogTimes, days: EventDays) -> list[LogFile]:
    counted = log.rows.select("file", _hour(days).alias("hour")).groupBy("file", "hour").count().collect()
    found = []
    for number in sorted({row["file"] for row in counted}, key=lambda number: -1 if number is None else number):
        own = {row["hour"]: row["count"] for row in counted if row["file"] == number}
        dateless = own.pop(None, 0)
        found.append(LogFile(None if number is None else log.names[number], own, dateless))
    return found


def _hour(days: EventDays) -> Column:
    start = round(day_begins(days.day, days.timezone).timestamp()) * 1_000_000
    hour = F.floor((F.unix_micros("event_ts") - F.lit(start)) / F.lit(_MICROS_PER_HOUR)).cast("int")
    return F.when(hour.isNotNull(), F.greatest(F.least(hour, F.lit(_MOST_HOURS)), F.lit(-_MOST_HOURS)))
