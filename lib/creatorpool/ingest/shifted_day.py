"""Recognises a delivery whose day is that of another time zone: its events fill other 24 hours than the day's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import union_all
from creatorpool.ingest.events import EventDays
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.platform_day import day_begins

SUSPICIOUS_SHARE = 0.01
"""Share of events outside the day from which the hours are counted, which reads the delivery once more"""
FILLED_SHARE = 0.9
"""Least share of events in the other 24 hours"""
GAINED_SHARE = 0.02
"""Least share of events that the other 24 hours have beyond the day's"""

_MOST_HOURS = 14
_MICROS_PER_HOUR = 3_600_000_000


@dataclass(frozen=True)
class ShiftedDay:
    """24 hours that begin `hours` after the day and hold `gained` more of the `counted` events than the day."""

    days: EventDays
    hours: int
    gained: int
    counted: int

    @property
    def share(self) -> float:
        """Share of the events that the day loses."""
        return self.gained / self.counted

    def hint(self) -> str:
        """One sentence for the operator: what was found, and the setting that mends it."""
        start = day_begins(self.days.day, self.days.timezone).astimezone(UTC) + timedelta(hours=self.hours)
        offset = datetime.combine(self.days.day, time(), UTC) - start
        return (
            f"this looks like the day of another time zone: {self.gained:,} events more are in the 24 hours from about "
            f"{start:%Y-%m-%d %H:%M} UTC, as days begin by clocks at {_named(offset)}, than in {self.days.day} by the "
            f"clocks of ingest.day_timezone, {self.days.timezone}: set it to the platform's zone, an IANA name such as "
            f"America/Los_Angeles"
        )


def shifted_day(events: ValidatedTable, days: EventDays, moments: Sequence[DataFrame] = ()) -> ShiftedDay | None:
    """The other 24 hours that the events fill; None if they fill the day, as nearly all deliveries do.

    `moments` are the times of all records where a mapping has left out those of other days.
    """
    counts = events.counts
    outside = counts.late + counts.broken.get("event_ts_in_window", 0) + counts.other_day
    if outside <= SUSPICIOUS_SHARE * counts.read:
        return None
    return filled_hours(_hours(union_all(moments) if moments else events.judged.counted, days), days)


def filled_hours(counts: Mapping[int, int], days: EventDays) -> ShiftedDay | None:
    """The same from numbers of events by the hour, counted from the beginning of the day."""
    total = sum(counts.values())
    filled = {
        start: sum(counts.get(start + hour, 0) for hour in range(24)) for start in range(-_MOST_HOURS, _MOST_HOURS + 1)
    }
    best = max(filled, key=lambda start: (filled[start], -abs(start)))
    gained = filled[best] - filled[0]
    if gained < max(1, GAINED_SHARE * total) or filled[best] < FILLED_SHARE * total:
        return None
    return ShiftedDay(days, best, gained, total)


def _hours(moments: DataFrame, days: EventDays) -> dict[int, int]:
    """Events by the hour from the beginning of the day, without those further than two days from it."""
    start = round(day_begins(days.day, days.timezone).timestamp()) * 1_000_000
    hour = F.floor((F.unix_micros("event_ts") - F.lit(start)) / F.lit(_MICROS_PER_HOUR)).cast("int")
    found = moments.select(hour.alias("hour")).where(F.col("hour").between(-48, 71)).groupBy("hour").count()
    return {row["hour"]: row["count"] for row in found.collect()}


def _named(offset: timedelta) -> str:
    hours = round(offset.total_seconds() / 3600)
    return f"UTC{hours:+03d}:00"
