"""The statements of payees for a closed month, from the published rows: a few queries for many payees."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.frames import broadcast_table, matching, parts_by
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import StageRun
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.postings import HOLDS
from creatorpool.runs.published import shared_version
from creatorpool.runs.published_rows import published_arrow, published_rows
from creatorpool.settlement.journal import HELD, PAYABLE
from creatorpool.settlement.months import first_day, month_name
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import require_closed
from creatorpool.stages.breakdown import DividedEntry, booked_parts, divided_entries
from creatorpool.stages.due import hold_terms, standing
from creatorpool.stages.known_invalid import invalid_when_paid
from creatorpool.stages.restatement import APPEALS, POOLS
from creatorpool.statements.frames.appeals import appeals_of_payees
from creatorpool.statements.frames.left_out import invalid_views, left_out_videos
from creatorpool.statements.month import Beside, BookFacts, LeftOut, MonthStatement, Part, month_statement, zero_balance
from creatorpool.storage.materialize import materialized_if_small
from creatorpool.tables import Warehouse

Row: TypeAlias = dict[str, Any]

_LINE = ("booked_on", "entry_id", "account", "payee_id", "amount_micros", "currency", "kind", "service_date")


@dataclass(frozen=True)
class ClosedMonth:
    """The books of a closed month, named by its last day; the tables need a session."""

    warehouse: Warehouse
    month: date
    balances: pa.Table
    """Rows of `payee_balances`, sorted by payee and currency"""
    payments: pa.Table
    entries: Sequence[DividedEntry]
    facts: BookFacts

    @property
    def payees(self) -> list[str]:
        """All payees with a balance, ascending."""
        found: list[str] = self.balances.column("payee_id").unique().to_pylist()
        return found

    @cached_property
    def currency(self) -> str:
        """The currency of statements without a balance: of the month's pools the first.

        Of a month that was closed without all its days, it is that of the last paid day before.
        """
        pools = [pool for pool in every_published_pool(self.warehouse) if pool.day <= self.month]
        own = [pool.currency for pool in pools if pool.day >= first_day(self.month)]
        return min(own, default=pools[-1].currency)

    def everybody(self) -> list[str]:
        """All payees with a balance, and those without one of whom pools left videos out or who appealed, ascending."""
        with_balance = published_rows(self.warehouse, "payee_balances").where(F.col("date") == self.month)
        found = self._named(None).join(with_balance.select("payee_id"), "payee_id", "left_anti").toArrow()
        return sorted([*self.payees, *found.column("payee_id").to_pylist()])

    def require(self, payees: Collection[str]) -> list[str]:
        """Those of `payees`, each once, ascending; InputError if the month has nothing to say about one."""
        if others := set(payees) - set(self.payees):
            known = self._named(others).toArrow().column("payee_id")
            if missing := sorted(others - {*known.to_pylist()}):
                raise InputError(
                    f"no balance in {month_name(self.month)}, no video that pools left out and no appeal: payees "
                    f"{shortened_list(missing)}; check the ids"
                )
        return sorted(set(payees))

    def balances_of(self, payees: Collection[str]) -> list[Row]:
        """Rows of `payee_balances` of `payees`, ascending: one for each currency, or of zeros without a balance."""
        found = _by_payee(_of(payees, self.balances))
        return [
            row
            for payee in sorted(payees)
            for row in _rows(found.get(payee)) or [zero_balance(payee, month_name(self.month), self.currency)]
        ]

    def statements(self, payees: Collection[str]) -> Iterator[list[MonthStatement]]:
        """The statements of each of `payees`, some thousand at most, in ascending order: one for each currency.

        Who has no balance, such as a creator of whom pools left all videos out, gets a statement of zeros.

        Raises
        ------
        SettlementError
            If the amounts of one do not add up.
        """
        lines = _by_payee(self._lines(payees).toArrow())
        parts = _by_payee(booked_parts(self.warehouse, self.entries, payees).toArrow()) if self.entries else {}
        left_out = _by_payee(self._left_out(payees).toArrow(), "creator_id")
        appeals = self._appeals(payees)
        appealed = {} if appeals is None else _by_payee(appeals.toArrow())
        payments = _by_payee(_of(payees, self.payments))
        for payee, rows in groupby(self.balances_of(payees), itemgetter("payee_id")):
            own_parts = _parts_of(parts.get(payee))
            beside = Beside(_left_out_of(left_out.get(payee)), _appeals_of(appealed.get(payee)))
            own_lines, own_payments = (_rows(found.get(payee)) for found in (lines, payments))
            yield [
                month_statement(
                    row,
                    _in(row, own_lines),
                    own_parts,
                    self.facts,
                    _in(row, own_payments),
                    beside if n == 0 else Beside(),
                )
                for n, row in enumerate(rows)
            ]

    def _lines(self, payees: Collection[str]) -> DataFrame:
        journal = published_rows(self.warehouse, "journal")
        own = journal.where(F.col("booked_on").between(first_day(self.month), self.month))
        owed = own.where(F.col("account").isin(PAYABLE, HELD))
        return matching(owed.select(*_LINE, "reference"), "payee_id", payees)

    def _named(self, payees: Collection[str] | None) -> DataFrame:
        """Those of `payees` (None: of all) whom a statement has something to say to beside money: `payee_id`."""
        found = self._left_out(payees).select(F.col("creator_id").alias("payee_id"))
        appeals = self._appeals(payees)
        return (found if appeals is None else found.unionByName(appeals.select("payee_id"))).distinct()

    def _appeals(self, payees: Collection[str] | None) -> DataFrame | None:
        version = shared_version(self.warehouse, APPEALS)
        if version is None:
            return None
        is_in_month = F.col("service_date").between(first_day(self.month), self.month)
        appeals = self.warehouse.read(APPEALS, version=version).where(is_in_month)
        return appeals_of_payees(appeals, self._videos(), payees)

    def _videos(self) -> DataFrame:
        return self.warehouse.read("videos", version=shared_version(self.warehouse, "videos"))

    def _left_out(self, payees: Collection[str] | None) -> DataFrame:
        is_in_month = F.col("date").between(first_day(self.month), self.month)
        quality, payouts = (
            published_rows(self.warehouse, table).where(is_in_month) for table in ("video_quality", "pool_payouts")
        )
        return left_out_videos(quality, self._videos(), payouts, payees, self._invalid_views)

    @cached_property
    def _invalid_views(self) -> DataFrame | None:
        """Videos with views that the month's days left out when they were paid.

        If there are few, they are computed once for all payees.
        """
        invalid = invalid_when_paid(self.warehouse, self.month)
        if not invalid.num_rows:
            return None
        events = published_rows(self.warehouse, "events").where(
            F.col("date").isin(invalid.column("date").unique().to_pylist())
        )
        found = invalid_views(events, broadcast_table(events, invalid))
        return materialized_if_small(found, events.sparkSession).rows


def closed_month(warehouse: Warehouse, month: date) -> ClosedMonth:
    """The books of `month`, named by its last day; MissingTableError if it is not closed."""
    closed = require_closed(warehouse, month)
    balances, payments = (published_arrow(warehouse, table, [month]) for table in ("payee_balances", "payments"))
    order = [("payee_id", "ascending"), ("currency", "ascending")]
    entries = divided_entries(warehouse, month)
    facts = _facts(warehouse, closed)
    return ClosedMonth(warehouse, month, balances.sort_by(order), payments.sort_by(order), entries, facts)


def payee_statements(warehouse: Warehouse, month: date, payee_id: str) -> list[MonthStatement]:
    """The statements of one payee, one for each currency; raises as `closed_month` and `ClosedMonth` do."""
    books = closed_month(warehouse, month)
    (found,) = books.statements(books.require([payee_id]))
    return found


def _facts(warehouse: Warehouse, closed: StageRun) -> BookFacts:
    booked = booked_restatements(warehouse)
    rows = published_arrow(warehouse, POOLS, {found.service_date for found in booked}).to_pylist() if booked else []
    why = {(row["service_date"], row["sequence"]): row for row in rows}
    version = shared_version(warehouse, HOLDS)
    holds = [] if version is None else warehouse.read_arrow(HOLDS, version=version).to_pylist()
    return BookFacts(
        {found.entry.entry_id: why[found.service_date, found.sequence] for found in booked},
        {row["hold_id"]: row for row in holds},
        closed.without,
        _on_payees(holds, standing(hold_terms(warehouse, closed.inputs.get(HOLDS)), closed.day)),
    )


def _on_payees(holds: Sequence[Row], stood: Collection[str]) -> dict[str, list[str]]:
    """The ids of the holds on each payee among those that `stood`; later rows of a hold keep its subject."""
    found: dict[str, list[str]] = {}
    for row in sorted(holds, key=itemgetter("hold_id")):
        if row["subject_kind"] == "payee" and row["hold_id"] in stood:
            found.setdefault(row["subject_id"], []).append(row["hold_id"])
    return found


def _of(payees: Collection[str], rows: pa.Table) -> pa.Table:
    return rows.filter(pc.is_in(rows.column("payee_id"), value_set=pa.array(sorted(payees), pa.string())))


def _by_payee(rows: pa.Table, column: str = "payee_id") -> dict[str, pa.Table]:
    return dict(parts_by(rows, column))


def _rows(rows: pa.Table | None) -> list[Row]:
    found: list[Row] = [] if rows is None else rows.to_pylist()
    return found


def _in(balance: Row, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["currency"] == balance["currency"]]


def _parts_of(rows: pa.Table | None) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for row in _rows(rows):
        part = Part(row["category"], row["video_id"], row["micros"], row["bound"], row["share_ppm"])
        found.setdefault(row["entry_id"], []).append(part)
    return found


def _left_out_of(rows: pa.Table | None) -> list[LeftOut]:
    names = ("video_id", "reason", "days", "first", "last")
    found = [LeftOut(**{name: row[name] for name in names}) for row in _rows(rows)]
    return sorted(found, key=lambda one: (one.video_id, one.reason))


def _appeals_of(rows: pa.Table | None) -> list[Row]:
    return sorted(_rows(rows), key=itemgetter("service_date", "received_on", "appeal_id"))
