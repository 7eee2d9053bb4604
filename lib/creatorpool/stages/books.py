"""The books: which months are closed, and on which day a change may be booked.

All stages that write the books (restatement, posting, close, payments) share one claim, so that one of them runs at a
time.
"""

from __future__ import annotations

from datetime import date

from creatorpool.errors import InputError, MissingTableError
from creatorpool.runs.ledger import CLOSE, RESTATE, StageRun, days_without, published_run, published_runs
from creatorpool.runs.postings import postings
from creatorpool.settlement.months import first_day, month_name, next_month
from creatorpool.tables import Warehouse

JOURNAL, PAYMENTS = "journal", "payments"


def closed_months(warehouse: Warehouse) -> list[date]:
    """The last days of the closed months, ascending."""
    return sorted({run.day for run in published_runs(warehouse, CLOSE)})


def require_closed(warehouse: Warehouse, month: date) -> StageRun:
    """The run that closed `month`, named by its last day; MissingTableError if it is open."""
    run = published_run(warehouse, CLOSE, month)
    if run is None:
        raise MissingTableError(
            f"{month_name(month)} is not closed: run `creatorpool close --month {month_name(month)}`"
        )
    return run


def first_open_day(warehouse: Warehouse, day: date) -> date:
    """`day`, or the first day of the first open month if the month of `day` is closed."""
    closed = closed_months(warehouse)
    return day if not closed or day > closed[-1] else first_day(next_month(closed[-1]))


def require_open(warehouse: Warehouse, day: date, booked_on: date) -> None:
    """Check that a change of `day` may be booked on `booked_on`.

    Raises
    ------
    InputError
        If `booked_on` is before `day`, or in a closed month.
    """
    if booked_on < day:
        raise InputError(f"--booked-on {booked_on} is before {day}: nothing can be booked before its service day")
    first = first_open_day(warehouse, booked_on)
    if first != booked_on:
        raise InputError(
            f"--booked-on {booked_on}: {month_name(booked_on)} is closed and never changes; the first open "
            f"day is {first}"
        )


def refuse_settled_day(warehouse: Warehouse, day: date) -> None:
    """Raise InputError if payouts of `day` cannot be published any more.

    That is if they are posted to the journal or restated, so that they must stay as they are, or if the day is not
    after the closed months, so that they could not be posted.
    """
    if day.isoformat() in postings(warehouse).entries["nights"]:
        reason = "is posted to the journal"
    elif published_runs(warehouse, RESTATE, [day]):
        reason = "is restated already"
    elif day in days_without(warehouse):
        raise InputError(
            f"{month_name(day)} was closed without {day} and never changes, so that payouts of the day would never be "
            f"in the books, and nobody would get them: deliver its revenue with a day of an open month"
        )
    elif day < first_open_day(warehouse, day):
        raise InputError(
            f"{day} is not after the closed months, which never change, so that its payouts would never be in the "
            f"books, and nobody would get them: deliver its revenue with a day of an open month"
        )
    else:
        return
    raise InputError(
        f"{day} {reason}, so that its published payouts never change: book what is known now with `creatorpool restate "
        f"--date {day}`"
    )
