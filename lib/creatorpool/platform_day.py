"""The platform's day, by the clocks of `ingest.day_timezone`. Moments are UTC everywhere."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo


def day_begins(day: date, timezone: str) -> datetime:
    """The moment at which `day` begins in IANA zone `timezone`."""
    return datetime.combine(day, time(), ZoneInfo(timezone))


def day_expression(moment: str, timezone: str) -> str:
    """SQL for the day (DATE) of TIMESTAMP column `moment` by the clocks of IANA zone `timezone`.

    The moment itself stays UTC. Clock changes count: such a day has 23 or 25 hours. Moments of the first and last day
    of the calendar, which local clocks would move out of it, keep their day in UTC.
    """
    if timezone == "UTC":
        return f"CAST({moment} AS DATE)"
    is_inside = f"{moment} BETWEEN TIMESTAMP'0001-01-02 00:00:00' AND TIMESTAMP'9999-12-30 23:59:59'"
    local = f"from_utc_timestamp({moment}, '{timezone}')"
    return f"CAST(CASE WHEN {is_inside} THEN {local} ELSE {moment} END AS DATE)"
