"""What became of payments, as whoever sent them reports it: read from a file, and compared with what was to be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

DUE, PAID, RETURNED = "due", "paid", "returned"


@dataclass(frozen=True)
class Outcome:
    """One line of a report: what became of a payment, of which amount in minor units, and on which day."""

    payment_id: str
    status: str
    amount_minor: int
    settled_on: date


@dataclass(frozen=True)
class Payment:
    """A payment as the tables have it."""

    payment_id: str
    status: str
    amount_minor: int
    month: date
    """The last day of the month that it pays"""


def faults(outcomes: Sequence[Outcome], payments: Mapping[str, Payment], last_day: date) -> list[str]:
    """Why `outcomes` cannot be booked, each fault of a payment once; `payments` are the known ones by id.

    A payment that is due may be reported as paid or returned, and a paid one as returned; anything else repeats. It was
    settled from the last day of its month to `last_day`.
    """
    times = Counter(outcome.payment_id for outcome in outcomes)
    found = (
        f"{outcome.payment_id} {fault}" for outcome in outcomes for fault in _faults(outcome, payments, times, last_day)
    )
    return list(dict.fromkeys(found))


def _faults(
    outcome: Outcome, payments: Mapping[str, Payment], times: Mapping[str, int], last_day: date
) -> Iterator[str]:
    known = payments.get(outcome.payment_id)
    if known is None:
        yield "is no payment"
        return
    if times[outcome.payment_id] > 1:
        yield f"is reported {times[outcome.payment_id]} times"
    if outcome.amount_minor != known.amount_minor:
        yield f"has amount {outcome.amount_minor:,}, must be {known.amount_minor:,}"
    if outcome.status not in _next_states(known.status):
        yield f"is {known.status} already and cannot become {outcome.status}"
    if not known.month <= outcome.settled_on <= last_day:
        yield f"has settled_on {outcome.settled_on}, must be from {known.month} to {last_day}"


def _next_states(status: str) -> Collection[str]:
    return {DUE: (PAID, RETURNED), PAID: (RETURNED,)}.get(status, ())
