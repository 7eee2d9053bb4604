"""Months as accounting periods. A month is named by its last day, on which it is closed."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

from creatorpool.errors import InputError

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def parsed_month(text: str) -> date:
    """The last day of a month that is written as 2026-11.

    Raises
    ------
    InputError
        If `text` is no month.
    """
    if not _MONTH.fullmatch(text) or text.startswith("0000"):
        raise InputError(f"'{text}' is no month; write YYYY-MM, such as 2026-11")
    return last_day(date.fromisoformat(f"{text}-01"))


def month_name(day: date) -> str:
    """The month of `day` as 2026-11."""
    return day.isoformat()[:7]


def first_day(day: date) -> date:
    """The first day of the month of `day`."""
    return day.replace(day=1)


def last_day(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_month(day: date) -> date:
    """The last day of the month after that of `day`."""
    return last_day(last_day(day) + timedelta(days=1))


def previous_month(day: date) -> date:
    """The last day of the month before that of `day`."""
    return first_day(day) - timedelta(days=1)


def without_words(days: Iterable[date]) -> str:
    """What follows "closed" of a month that was closed without `days`: their names; nothing if there are none."""
    names = ", ".join(map(str, days))
    return f" without {names}" if names else ""
