"""The books and the calendar: which days are too far ahead for an amount, and which are over.

An amount that is booked years ahead by a slip would be payable only then.
"""

from __future__ import annotations

from datetime import date, timedelta

from creatorpool.errors import InputError
from creatorpool.platform_day import day_begins
from creatorpool.runs.identity import now
from creatorpool.runs.pools import paid_days
from creatorpool.tables import Warehouse

DAYS_AHEAD = 31
"""How many days after today, or after the last published day if that is later, the books take amounts"""


def last_booking_day(warehouse: Warehouse) -> date:
    """The last day on which anything may be booked, or a payment may be reported as settled.

    It is `DAYS_AHEAD` days after today by UTC, or after the last published day, whichever is later: so it holds in any
    time zone, for a booking in the month that comes next, and on a machine whose clock is behind.
    """
    return max([now().date(), *paid_days(warehouse)]) + timedelta(days=DAYS_AHEAD)


def refuse_far_day(warehouse: Warehouse, day: date, option: str) -> None:
    """Raise InputError if `day`, the value of `option`, is after `last_booking_day`."""
    last = last_booking_day(warehouse)
    if day > last:
        raise InputError(
            f"{option} {day} is after {last}, {DAYS_AHEAD} days after today or the last published day, and nothing is "
            f"booked so far ahead: name an earlier day"
        )


def is_over(warehouse: Warehouse, day: date, timezone: str) -> bool:
    """Whether `day` has ended in IANA zone `timezone`, or a later day is published: a machine's clock may be behind."""
    return now() >= day_begins(day + timedelta(days=1), timezone) or any(day < paid for paid in paid_days(warehouse))
