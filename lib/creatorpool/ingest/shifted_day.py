"""Recognises a delivery whose day is that of another time zone: its events fill other 24 hours than the day's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from creatorpool.ingest.events import EventDays
from creatorpool.ingest.log_files import LogFile, all_hours, hours_of
from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.ingest.whole_days import MOST_HOURS, clocks, hours_to_whole_days
from creatorpool.platform_day import day_begins

SUSPICIOUS_SHARE = 0.01
"""Share of events outside the day from which the hours are counted, which reads the delivery once more"""
FILLED_SHARE = 0.9
"""Least share of events in the other 24 hours"""
GAINED_SHARE = 0.02
"""Least share of events that the other 24 hours have beyond the day's"""


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
        named = clocks(self.days.day, self.days.timezone, self.hours)
        return (
            f"this looks like the day of another time zone: {self.gained:,} events more are in the 24 hours from about "
            f"{start:%Y-%m-%d %H:%M} UTC, as days begin by clocks at {named}, than in {self.days.day} by the "
            f"clocks of ingest.day_timezone, {self.days.timezone}: set it to the platform's zone, an IANA name such as "
            f"America/Los_Angeles"
        )


def shifted_day(events: ValidatedTable, days: EventDays, files: Sequence[LogFile] = ()) -> ShiftedDay | None:
    """The other 24 hours that the events fill; None if they fill the day, as nearly all deliveries do.

    `files` are those of a log with several days, from which a mapping has left out other days.
    """
    if not has_other_days(events.counts):
        return None
    return filled_hours(all_hours(files) if files else hours_of(events.judged.counted, days), days)


def has_other_days(counts: TableCounts) -> bool:
    """Whether enough events are outside the day that their hours are worth a look."""
    outside = counts.late + counts.broken.get("event_ts_in_window", 0) + counts.other_day
    return outside > SUSPICIOUS_SHARE * counts.read


def shifted_files(files: Sequence[LogFile], days: EventDays) -> str | None:
    """A warning if a file of a log, or the whole log, holds whole days that begin at another hour than the run's day.

    It is no proof: somebody may cut logs at any hour.
    """
    found = [(file, shifted) for file in files if file.is_of_day and (shifted := filled_hours(file.hours, days))]
    for file, shifted in sorted(found, key=lambda pair: -pair[1].gained)[:1]:
        return (
            f"{file.name or 'the log'}: {shifted.hint()}. If days do begin so, and files are cut at other hours, go on"
        )
    shift = hours_to_whole_days(all_hours(files))
    return whole_days_elsewhere(days, shift) if shift else None


def whole_days_elsewhere(days: EventDays, hours: int) -> str:
    """The warning for a log whose days begin `hours` after those of the configured clocks."""
    return (
        f"the times fill whole days by clocks at {clocks(days.day, days.timezone, hours)}, and not by those of "
        f"ingest.day_timezone, {days.timezone}: set it to the platform's zone, an IANA name. If days do begin by "
        f"{days.timezone}, and the files are cut at other hours, go on"
    )


def filled_hours(counts: Mapping[int, int], days: EventDays) -> ShiftedDay | None:
    """The same from numbers of events by the hour, counted from the beginning of the day."""
    total = sum(counts.values())
    filled = {
        start: sum(counts.get(start + hour, 0) for hour in range(24)) for start in range(-MOST_HOURS, MOST_HOURS + 1)
    }
    best = max(filled, key=lambda start: (filled[start], -abs(start)))
    gained = filled[best] - filled[0]
    if gained < max(1, GAINED_SHARE * total) or filled[best] < FILLED_SHARE * total:
        return None
    return ShiftedDay(days, best, gained, total)
