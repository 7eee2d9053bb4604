"""The books of a month up to a day: what the journal has, and what is published and not posted yet.

Without an engine: one day's columns are in memory at a time, and of payees one Arrow row each until they are summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.postings import postings
from creatorpool.runs.published import published_versions
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.journal import BALANCE_CHANGES, HELD, NIGHT, PAYABLE, PAYMENT
from creatorpool.settlement.months import first_day
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import closed_months
from creatorpool.stages.restatement import VIDEOS

_LINE = ("booked_on", "account", "payee_id", "amount_micros", "currency", "kind", "service_date")
_PAYEE = ["payee_id", "amount_micros"]
LARGEST = 10
"""Number of adjustments that are named"""
_CHANGE = ("creator_id", "service_date", "sequence", "booked_on", "reason_code", "note")


@dataclass(frozen=True)
class Payees:
    """How many payees there are of a kind, and what they have together, micros."""

    number: int
    micros: int


@dataclass(frozen=True)
class Payable:
    """Payees by what is payable to them, of what is posted and of earlier months."""

    enough: Payees
    """At least the smallest payment"""
    small: Payees
    """Above zero and below it"""
    negative: Payees


@dataclass(frozen=True)
class MonthBooks:
    """The books of the month of a day, up to the day, in the day's currency; micros."""

    posted: Mapping[date, int]
    """Earned by service day, of the nights that are posted"""
    unposted: Mapping[date, int]
    """The same of the nights that are published and not posted"""
    changes: Mapping[str, int]
    """What the posted lines of the month change, by the names of `BALANCE_CHANGES`"""
    adjusted_unposted: int
    """Adjustments that are booked in the month and not posted"""
    payable: Payable
    paid: Payees
    """Whom the close of the month pays; nobody while the month is open"""
    is_closed: bool
    """Whether the day is the last one of a closed month"""
    on_hold: int
    """What holds keep, of what is posted and of earlier months"""
    adjustments: Sequence[Mapping[str, Any]]
    """By creator and restatement, the `LARGEST`, the largest first: `_CHANGE`, `micros` and `is_posted`"""


def month_books(report: ReportDay) -> MonthBooks | None:
    """The books of the month of the report's day, up to it; None if nothing was ever posted or restated."""
    warehouse, day, first = report.paid.warehouse, report.day, first_day(report.day)
    if not any(warehouse.exists(table) for table in ("journal", VIDEOS)):
        return None
    entries = postings(warehouse).entries
    closed = closed_months(warehouse)
    before = max((month for month in closed if month < first), default=None)
    paid_days = {pool.day for pool in every_published_pool(warehouse) if pool.currency == report.currency}
    left = [one for one in sorted(paid_days) if first <= one <= day and one.isoformat() not in entries["nights"]]
    unposted = {
        one: _sum(published_arrow(warehouse, "creator_payouts", [one], ["total_micros"]), "total_micros")
        for one in left
    }
    posted: Counter[date] = Counter()
    changes = Counter(dict.fromkeys(BALANCE_CHANGES, 0))
    payable, on_hold = _carried(report, before)
    payments = payable.slice(0, 0)
    for booked_on, lines in _lines(report, before):
        payable = _sums([payable, _of(lines, "account", PAYABLE)])
        on_hold += _sum(_of(lines, "account", HELD), "amount_micros")
        if booked_on >= first:
            posted.update(_by_day(_of(lines, "kind", NIGHT)))
            changes.update({name: _change(lines, name) for name in BALANCE_CHANGES})
            payments = _sums([payments, _of(lines, "kind", PAYMENT)])
    adjustments, adjusted_unposted = _adjustments(report, entries["restatements"])
    return MonthBooks(
        posted=dict(sorted(posted.items())),
        unposted=unposted,
        changes=dict(changes),
        adjusted_unposted=adjusted_unposted,
        payable=_payable(payable, report.minimum_payment),
        paid=Payees(payments.num_rows, -_sum(payments, "amount_micros")),
        is_closed=day in closed,
        on_hold=on_hold,
        adjustments=adjustments,
    )


def _lines(report: ReportDay, before: date | None) -> Iterator[tuple[date, pa.Table]]:
    """The lines of payees by booking day, up to the report's day, after the closed month `before`."""
    warehouse = report.paid.warehouse
    days = [one for one in published_versions(warehouse, "journal") if (before or date.min) < one <= report.day]
    for booked_on in sorted(days):
        rows = _in_currency(report, published_arrow(warehouse, "journal", [booked_on], _LINE))
        yield booked_on, rows.filter(pc.is_in(rows.column("account"), value_set=pa.array([PAYABLE, HELD])))


def _in_currency(report: ReportDay, rows: pa.Table) -> pa.Table:
    return _of(rows, "currency", report.currency)


def _of(rows: pa.Table, column: str, value: str) -> pa.Table:
    return rows.filter(pc.equal(rows.column(column), value))


def _sums(parts: Sequence[pa.Table]) -> pa.Table:
    """The sum of each payee: `_PAYEE`."""
    rows = pa.concat_tables([part.select(_PAYEE) for part in parts])
    return rows.group_by("payee_id").aggregate([("amount_micros", "sum")]).rename_columns(_PAYEE)


def _by_day(rows: pa.Table) -> dict[date, int]:
    sums = rows.group_by("service_date").aggregate([("amount_micros", "sum")])
    return dict(zip(*(sums.column(name).to_pylist() for name in ("service_date", "amount_micros_sum")), strict=True))


def _sum(rows: pa.Table, column: str) -> int:
    return int(pc.sum(rows.column(column)).as_py() or 0)


def _change(lines: pa.Table, name: str) -> int:
    kinds, accounts, sign = BALANCE_CHANGES[name]
    is_own = pc.and_(
        pc.is_in(lines.column("kind"), value_set=pa.array(kinds)),
        pc.is_in(lines.column("account"), value_set=pa.array(accounts)),
    )
    return sign * _sum(lines.filter(is_own), "amount_micros")


def _carried(report: ReportDay, before: date | None) -> tuple[pa.Table, int]:
    """What the closed month `before` left payable, by payee, and on hold."""
    if before is None:
        return pa.table({"payee_id": pa.array([], pa.string()), "amount_micros": pa.array([], pa.int64())}), 0
    columns = ("payee_id", "closing_micros", "held_balance_micros", "currency")
    rows = _in_currency(report, published_arrow(report.paid.warehouse, "payee_balances", [before], columns))
    return rows.select(columns[:2]).rename_columns(_PAYEE), _sum(rows, "held_balance_micros")


def _payable(sums: pa.Table, minimum: int) -> Payable:
    micros = sums.column("amount_micros")

    def counted(is_own: pa.ChunkedArray) -> Payees:
        found = sums.filter(is_own)
        return Payees(found.num_rows, _sum(found, "amount_micros"))

    is_positive = pc.greater(micros, 0)
    return Payable(
        enough=counted(pc.greater_equal(micros, max(1, minimum))),
        small=counted(pc.and_(is_positive, pc.less(micros, minimum))),
        negative=counted(pc.less(micros, 0)),
    )


def _adjustments(report: ReportDay, posted: Mapping[str, date]) -> tuple[list[Mapping[str, Any]], int]:
    """The largest adjustments that are booked in the month up to the report's day, and the sum of those not posted.

    `posted` are the restatements in the journal.
    """
    first, day = first_day(report.day), report.day
    own = [one for one in booked_restatements(report.paid.warehouse) if first <= one.booked_on <= day]
    largest: list[Mapping[str, Any]] = []
    waiting = 0
    for service_date in sorted({one.service_date for one in own}):
        of_day = [one for one in own if one.service_date == service_date]
        is_posted = {one.sequence: one.reference in posted for one in of_day}
        sums = _changes_of(report, service_date, [*is_posted])
        left = [sequence for sequence, done in is_posted.items() if not done]
        waiting += _sum(sums.filter(pc.is_in(sums.column("sequence"), value_set=pa.array(left, pa.int64()))), "micros")
        sums = sums.append_column("size", pc.abs(sums.column("micros")))
        order = [("size", "descending"), ("creator_id", "ascending"), ("sequence", "ascending")]
        rows = sums.sort_by(order).slice(0, LARGEST).drop_columns("size").to_pylist()
        largest += [row | {"is_posted": is_posted[row["sequence"]]} for row in rows]
    largest.sort(key=lambda row: (-abs(row["micros"]), row["creator_id"], row["service_date"], row["sequence"]))
    return largest[:LARGEST], waiting


def _changes_of(report: ReportDay, service_date: date, sequences: Sequence[int]) -> pa.Table:
    """The changes that restatements of a day book for each creator: `_CHANGE` and `micros`."""
    columns = (*_CHANGE, "change_micros", "currency")
    rows = _in_currency(report, published_arrow(report.paid.warehouse, VIDEOS, [service_date], columns))
    rows = rows.filter(pc.is_in(rows.column("sequence"), value_set=pa.array(sequences, pa.int64())))
    sums = rows.group_by(list(_CHANGE)).aggregate([("change_micros", "sum")])
    return sums.rename_columns([*_CHANGE, "micros"])
