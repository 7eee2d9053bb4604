"""Finds the hour at which days begin from the hours that have records. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from creatorpool.platform_day import day_begins

MOST_HOURS = 14
"""Clocks differ from UTC by at most so many hours"""
_FULL_HOURS = 23
"""Hours with records of a whole day; one is less because clocks change, or differ from UTC by half an hour"""
_FEW_SHARE = 0.02
"""A day with so small a share of the largest day's records is not asked: it has late ones"""


def hours_to_whole_days(counts: Mapping[int, int]) -> int | None:
    """Hours from midnight at which days begin so that the records fill whole days; None if they never do.

    `counts` are numbers of records by the hour from a midnight. Days with few records, such as those of late ones, are
    not asked. 0 says that the records fill the days from midnight on; other hours that fit do not count against it.
    """
    lost = {start: share for start in range(-MOST_HOURS, MOST_HOURS + 1) if (share := _lost(counts, start)) is not None}
    if 0 in lost:
        return 0
    return min(lost, key=lambda start: (lost[start], abs(start)), default=None)


def _lost(counts: Mapping[int, int], start: int) -> float | None:
    """Share of records outside of whole days that begin `start` hours after midnight; None if a day has gaps."""
    days: dict[int, dict[int, int]] = {}
    for hour, number in counts.items():
        days.setdefault((hour - start) // 24, {})[hour] = number
    sizes = {day: sum(hours.values()) for day, hours in days.items()}
    least = _FEW_SHARE * max(sizes.values(), default=0)
    whole = [day for day, size in sizes.items() if size >= least]
    if not whole or any(len(days[day]) < _FULL_HOURS for day in whole):
        return None
    return 1 - sum(sizes[day] for day in whole) / sum(sizes.values())


def clocks(day: date, timezone: str, hours: int) -> str:
    """The clocks by which days begin `hours` after those of `timezone`, as an offset: ``UTC+07:00``."""
    offset = (day_begins(day, timezone).utcoffset() or timedelta()) - timedelta(hours=hours)
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
