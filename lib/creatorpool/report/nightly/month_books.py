"""The books of a month up to a day: what the journal has, and what is published and not posted yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.published import published_versions
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.journal import BALANCE_CHANGES, HELD, NIGHT, PAYABLE, PAYMENT
from creatorpool.settlement.months import first_day
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import closed_months, posted_entries
from creatorpool.stages.restatement import VIDEOS

_LINE = ("booked_on", "account", "payee_id", "amount_micros", "currency", "kind", "service_date")
_EARNED = ("date", "total_micros")
_PAYEE = ["payee_id", "amount_micros"]
_CHANGE = ("creator_id", "service_date", "sequence", "booked_on", "reason_code", "note")


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
    payable: Mapping[str, int]
    """What is payable by payee, of what is posted and of earlier months"""
    paid: Mapping[str, int]
    """What the close of the month pays by payee; empty while the month is open"""
    on_hold: int
    """What holds keep, of the same"""
    adjustments: Sequence[Mapping[str, Any]]
    """By creator and restatement, the largest first: `_CHANGE`, `micros` and `is_posted`"""


def month_books(report: ReportDay) -> MonthBooks | None:
    """The books of the month of the report's day, up to it; None if nothing was ever posted or restated."""
    warehouse, day, first = report.paid.warehouse, report.day, first_day(report.day)
    if not any(warehouse.exists(table) for table in ("journal", VIDEOS)):
        return None
    entries = posted_entries(warehouse)
    before = max((month for month in closed_months(warehouse) if month < first), default=None)
    lines = _lines(report, before)
    own = lines.filter(pc.greater_equal(lines.column("booked_on"), first))
    adjustments = _adjustments(report, entries["restatements"])
    paid = {pool.day for pool in every_published_pool(warehouse) if pool.currency == report.currency}
    left = [one for one in paid if first <= one <= day and one.isoformat() not in entries["nights"]]
    payable, on_hold = _balances(report, lines, before)
    payments = own.filter(pc.equal(own.column("kind"), PAYMENT))
    return MonthBooks(
        posted=_by(own.filter(pc.equal(own.column("kind"), NIGHT)), "service_date", "amount_micros"),
        unposted=_by(published_arrow(warehouse, "creator_payouts", left, _EARNED), *_EARNED) if left else {},
        changes={name: _change(own, name) for name in BALANCE_CHANGES},
        adjusted_unposted=sum(row["micros"] for row in adjustments if not row["is_posted"]),
        payable=payable,
        paid={payee: -micros for payee, micros in _by(payments, *_PAYEE).items()},
        on_hold=on_hold,
        adjustments=adjustments,
    )


def _lines(report: ReportDay, before: date | None) -> pa.Table:
    """The lines of payees up to the report's day, after the closed month `before`."""
    warehouse = report.paid.warehouse
    days = [one for one in published_versions(warehouse, "journal") if (before or date.min) < one <= report.day]
    rows = _in_currency(report, published_arrow(warehouse, "journal", days, _LINE))
    return rows.filter(pc.is_in(rows.column("account"), value_set=pa.array([PAYABLE, HELD])))


def _in_currency(report: ReportDay, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows.column("currency"), report.currency))


def _by(rows: pa.Table, key: str, column: str) -> dict[Any, int]:
    """Sums of `column` by `key`, ascending."""
    sums = rows.group_by(key).aggregate([(column, "sum")]).sort_by(key)
    return dict(zip(sums.column(key).to_pylist(), sums.column(f"{column}_sum").to_pylist(), strict=True))


def _sum(rows: pa.Table, column: str) -> int:
    return int(pc.sum(rows.column(column)).as_py() or 0)


def _change(lines: pa.Table, name: str) -> int:
    kinds, accounts, sign = BALANCE_CHANGES[name]
    is_own = pc.and_(
        pc.is_in(lines.column("kind"), value_set=pa.array(kinds)),
        pc.is_in(lines.column("account"), value_set=pa.array(accounts)),
    )
    return sign * _sum(lines.filter(is_own), "amount_micros")


def _balances(report: ReportDay, lines: pa.Table, before: date | None) -> tuple[dict[str, int], int]:
    """What is payable by payee, and what is on hold: what the closed month `before` left, and `lines`."""
    payable, held = (lines.filter(pc.equal(lines.column("account"), name)) for name in (PAYABLE, HELD))
    if before is None:
        return _by(payable, *_PAYEE), _sum(held, "amount_micros")
    columns = ("payee_id", "closing_micros", "held_balance_micros", "currency")
    rows = _in_currency(report, published_arrow(report.paid.warehouse, "payee_balances", [before], columns))
    opening = rows.select(columns[:2]).rename_columns(_PAYEE)
    on_hold = _sum(rows, "held_balance_micros") + _sum(held, "amount_micros")
    return _by(pa.concat_tables([opening, payable.select(_PAYEE)]), *_PAYEE), on_hold


def _adjustments(report: ReportDay, posted: Mapping[str, date]) -> list[Mapping[str, Any]]:
    """The adjustments that are booked in the month up to the report's day; `posted` are those in the journal."""
    warehouse, first, day = report.paid.warehouse, first_day(report.day), report.day
    booked = {
        (one.service_date, one.sequence): one.reference in posted
        for one in booked_restatements(warehouse)
        if first <= one.booked_on <= day
    }
    if not booked:
        return []
    days = {service_date for service_date, _ in booked}
    rows = _in_currency(report, published_arrow(warehouse, VIDEOS, days, (*_CHANGE, "change_micros", "currency")))
    sums = rows.group_by(list(_CHANGE)).aggregate([("change_micros", "sum")]).to_pylist()
    found = [
        {name: row[name] for name in _CHANGE} | {"micros": row["change_micros_sum"], "is_posted": booked[key]}
        for row in sums
        if (key := (row["service_date"], row["sequence"])) in booked
    ]
    return sorted(found, key=lambda row: (-abs(row["micros"]), row["creator_id"], row["service_date"], row["sequence"]))
