"""The published rows of a day, at the versions that the ledgers name, read without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from creatorpool.contracts import load_contracts
from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import StageRun, latest_run, published_runs
from creatorpool.runs.pools import PoolRun, published_pools
from creatorpool.runs.published_rows import last_paid_before
from creatorpool.settings import ReportSettings, Settings, load_settings
from creatorpool.tables import Warehouse

Row = dict[str, Any]

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class PaidDay:
    """A day's published pools by category, and the versions of the tables that their runs read and wrote."""

    warehouse: Warehouse
    day: date
    pools: Mapping[str, PoolRun]
    versions: Mapping[str, int]

    def rows(self, table: str, *columns: str) -> pa.Table:
        """The day's rows of `table`, only `columns` if given, in any order."""
        return self.warehouse.read_arrow(table, columns, day=self.day, version=self.versions[table])

    def total(self, column: str) -> int:
        """Sum over all pools of a money column of the ledger, micros."""
        return sum(getattr(pool, column) for pool in self.pools.values())


@dataclass(frozen=True)
class ReportDay:
    """The published data of a day, and of the days that the report compares with it."""

    paid: PaidDay
    before: PaidDay | None
    """The last published day before; None if there is none"""
    week_ago: PaidDay | None
    """The day a week before; None if it is not published"""
    runs: Mapping[str, StageRun]
    """The published run of each stage"""
    results: Sequence[Row]
    """Results of all rules from the latest run of each contract on the day"""
    limits: ReportSettings
    """From which values on the report warns"""
    minimum_payment: int
    """The least amount that is paid at the end of a month, micros"""

    @property
    def day(self) -> date:
        """The day of the report."""
        return self.paid.day

    @property
    def currency(self) -> str:
        """Currency of all money."""
        return next(iter(self.paid.pools.values())).currency

    @property
    def compared(self) -> dict[str, PaidDay]:
        """The compared days by their labels; the day itself comes first."""
        others = {} if self.before is None else {_called(self.day, self.before.day): self.before}
        if self.week_ago is not None and (self.before is None or self.week_ago.day != self.before.day):
            others["a week ago"] = self.week_ago
        return {"this day": self.paid} | others

    def run_of(self, table: str) -> StageRun | None:
        """The latest published run that wrote the day's rows of a stage's table."""
        return latest_run(run for run in self.runs.values() if table in run.outputs)

    def stage_rows(self, table: str) -> pa.Table | None:
        """The day's rows of a stage's table, from the latest published run; None if there is no such run."""
        run = self.run_of(table)
        if run is None:
            return None
        return self.paid.warehouse.read_arrow(table, day=self.day, version=run.outputs[table])

    def records(self, table: str) -> list[Row] | None:
        """The same rows as dictionaries, in the order of the table's key."""
        rows = self.stage_rows(table)
        if rows is None:
            return None
        key = [name for name in self.paid.warehouse.contract(table).key if name != "date"]
        return sorted(rows.to_pylist(), key=lambda row: tuple(str(row[name]) for name in key))


def report_day(warehouse: Warehouse, day: date, settings: Settings | None = None) -> ReportDay:
    """Find the published data of `day`; limits are those of the base configuration by default.

    Raises
    ------
    MissingTableError
        If the payouts of `day` are not published.
    """
    paid = _paid_day(warehouse, day)
    if paid is None:
        raise MissingTableError(
            f"payouts of {day} are not published under {warehouse.root}: run `creatorpool run --date {day}`; "
            f"`creatorpool status` lists the published days"
        )
    settings = settings or load_settings()
    last = last_paid_before(warehouse, day)
    runs = published_runs(warehouse, days=[day])
    return ReportDay(
        paid=paid,
        before=None if last is None else _paid_day(warehouse, last),
        week_ago=_paid_day(warehouse, day - WEEK),
        runs={name: run for name in {run.stage for run in runs} if (run := _latest(runs, name)) is not None},
        results=_latest_results(warehouse, day),
        limits=settings.report,
        minimum_payment=settings.settlement.minimum_payment_micros,
    )


def _paid_day(warehouse: Warehouse, day: date) -> PaidDay | None:
    pools = published_pools(warehouse, day)
    versions: dict[str, int] = {}
    for row in pools.values():
        versions |= dict(row.inputs) | dict(row.outputs)
    return PaidDay(warehouse, day, dict(sorted(pools.items())), versions) if pools else None


def _latest(runs: Sequence[StageRun], stage: str) -> StageRun | None:
    return latest_run(run for run in runs if run.stage == stage)


def _latest_results(warehouse: Warehouse, day: date) -> list[Row]:
    """Results of the latest run of each contract: the greatest run id, because ids begin with the start time."""
    if not warehouse.exists("contract_results"):
        return []
    rows = warehouse.read_arrow("contract_results", day=day).to_pylist()
    latest: dict[str, str] = {}
    for row in rows:
        latest[row["contract"]] = max(row["run_id"], latest.get(row["contract"], ""))
    # The rule's hint from the contract explains its name to an operator.
    hints = {(name, rule.name): rule.hint for name, contract in load_contracts().items() for rule in contract.rules}
    chosen = [row for row in rows if row["run_id"] == latest[row["contract"]]]
    chosen.sort(key=lambda row: (row["contract"], row["rule"]))
    return [row | {"hint": hints.get((row["contract"], row["rule"]), "")} for row in chosen]


def _called(day: date, other: date) -> str:
    return "the day before" if day - other == timedelta(days=1) else f"{other:%-d %B}"
