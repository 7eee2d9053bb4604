"""A payee's statement for a month: each amount of the books with its reason in words; its lines sum to the closing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from creatorpool.errors import SettlementError
from creatorpool.settlement.journal import ADJUSTMENT, HELD, HOLD, NIGHT, PAYABLE, PAYMENT, RELEASE, RETURN
from creatorpool.statements.month_words import hold_words, restatement_words

EARNED, ADJUSTED, PUT_ON_HOLD, RELEASED, RETURNED, PAID = "earned", "adjusted", "held", "released", "returned", "paid"
KINDS = {EARNED: 1, ADJUSTED: 1, PUT_ON_HOLD: -1, RELEASED: 1, RETURNED: 1, PAID: -1}
"""Kinds of lines, as the columns of `payee_balances` are named, and the sign with which each changes the balance"""
_PLACES = {kind: place for place, kind in enumerate(KINDS)}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """What a payee gets of what a pool paid a video.

    `bound` is the bound that held the payout, if one did. `share_ppm` is the payee's part of the video's money by
    rights, parts per million; None if the video has none, so that its creator gets all.
    """

    category: str
    video_id: str
    micros: int
    bound: str | None = None
    share_ppm: int | None = None


@dataclass(frozen=True)
class Item:
    """One line of a statement: when it was booked, what it is, and micros, negative where the payee gets less."""

    booked_on: date
    kind: str
    text: str
    micros: int
    service_date: date | None = None
    parts: Sequence[Part] = ()
    """Of what is earned and adjusted: the pools and videos, which sum to `micros`"""


@dataclass(frozen=True)
class LeftOut:
    """A video that pools paid nothing, or not for all its views, on some days, and why."""

    video_id: str
    reason: str
    days: int
    first: date
    last: date


@dataclass(frozen=True)
class Beside:
    """What touches a payee beside the lines of the books."""

    left_out: Sequence[LeftOut] = ()
    appeals: Sequence[Row] = ()
    """Rows of `appeals` about service days of the month"""


@dataclass(frozen=True)
class MonthStatement:
    """A payee's month in one currency."""

    balance: Row
    """The payee's row of `payee_balances`"""
    items: Sequence[Item]
    payments: Sequence[Row]
    """The month's rows of `payments`"""
    beside: Beside
    without: Sequence[date] = ()
    """The days that the month was closed without"""
    stopped_by: Sequence[str] = ()
    """Holds on the payee that stood when the month ended, in words; they stop payments, whatever they keep"""

    @property
    def opening(self) -> int:
        """What was carried in, micros."""
        return int(self.balance["opening_micros"])

    @property
    def closing(self) -> int:
        """What is carried on, micros."""
        return int(self.balance["closing_micros"])


@dataclass(frozen=True)
class BookFacts:
    """What the statements of a month share."""

    restatements: Mapping[str, Row]
    """The row of `pool_adjustments` by entry"""
    holds: Mapping[str, Row]
    """The row of `holds` by id"""
    without: Sequence[date] = ()
    """The days that the month was closed without, ascending"""
    on_payees: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The ids of the holds on a payee by which nothing was paid when the month was closed, ascending"""


def zero_balance(payee_id: str, month: str, currency: str) -> dict[str, Any]:
    """A row of `payee_balances` for somebody whom the books of the month do not name."""
    money = ("opening", *KINDS, "closing", "held_balance")
    named = {"payee_id": payee_id, "month": month, "currency": currency, "reason": "nothing_payable"}
    return named | {f"{name}_micros": 0 for name in money}


def month_statement(
    balance: Row,
    lines: Iterable[Row],
    parts: Mapping[str, Sequence[Part]],
    facts: BookFacts,
    payments: Sequence[Row] = (),
    beside: Beside = Beside(),
) -> MonthStatement:
    """The statement of a row of `payee_balances`.

    Parameters
    ----------
    lines
        The payee's lines of the journal of the month on accounts `Payable` and `Held`, in the row's currency.
    parts
        By entry of the journal, the pools and videos that it books for the payee.
    payments
        The payee's rows of `payments` in the currency.

    Raises
    ------
    SettlementError
        If the lines do not sum to the amounts of the row, or the parts of an entry to its lines.
    """
    items = list(_items(lines, parts, facts))
    sums = {kind: sign * sum(item.micros for item in items if item.kind == kind) for kind, sign in KINDS.items()}
    closing = balance["opening_micros"] + sum(item.micros for item in items)
    if closing != balance["closing_micros"] or any(balance[f"{kind}_micros"] != sums[kind] for kind in KINDS):
        raise _wrong(balance, f"the journal of {balance['month']} does not lead from the opening to the closing")
    for item in items:
        if item.service_date is not None and sum(part.micros for part in item.parts) != item.micros:
            raise _wrong(balance, f"pools and videos do not sum to what is {item.text}")
    stopped_by = [hold_words(name, facts.holds) for name in facts.on_payees.get(balance["payee_id"], ())]
    return MonthStatement(balance, items, payments, beside, facts.without, stopped_by)


def _wrong(balance: Row, what: str) -> SettlementError:
    return SettlementError(
        f"payee '{balance['payee_id']}': {what}: run `creatorpool verify --month {balance['month']}`"
    )


def _items(lines: Iterable[Row], parts: Mapping[str, Sequence[Part]], facts: BookFacts) -> Iterator[Item]:
    """The lines of the statement, in the order of days and kinds; lines of the journal that say the same are one."""
    merged: dict[tuple[Any, ...], Item] = {}
    for line in lines:
        for item in _of_line(line, parts.get(line["entry_id"], ()), facts):
            # Restatements may have the same words: each has its own line.
            key = (item.booked_on, _PLACES[item.kind], item.text, line["entry_id"] if item.service_date else "")
            same = merged.get(key)
            merged[key] = item if same is None else replace(item, micros=same.micros + item.micros)
    yield from (item for _, item in sorted(merged.items()) if item.micros or item.parts)


def _of_line(line: Row, parts: Sequence[Part], facts: BookFacts) -> Iterator[Item]:
    """What a line, whose entry has these parts, does to what is payable; what is earned and held at once is both."""
    day, kind, micros, reference = line["booked_on"], line["kind"], line["amount_micros"], line["reference"]
    if kind == NIGHT:
        yield Item(day, EARNED, f"earned for {line['service_date']}", micros, line["service_date"], parts)
    elif kind == ADJUSTMENT:
        words = restatement_words(facts.restatements[line["entry_id"]])
        yield Item(day, ADJUSTED, f"adjusted for {line['service_date']}: {words}", micros, line["service_date"], parts)
    if line["account"] == HELD and kind in (NIGHT, ADJUSTMENT):
        yield Item(day, PUT_ON_HOLD, f"held: {hold_words(reference, facts.holds)}", -micros)
    if line["account"] != PAYABLE:
        return
    if kind == HOLD:
        yield Item(day, PUT_ON_HOLD, f"held: {hold_words(reference, facts.holds)}", micros)
    elif kind == RELEASE:
        yield Item(day, RELEASED, f"released: {hold_words(reference, facts.holds)}", micros)
    elif kind == PAYMENT:
        yield Item(day, PAID, f"paid, payment {reference}", micros)
    elif kind == RETURN:
        yield Item(day, RETURNED, f"came back, payment {reference}", micros)
