"""The state of all days under a root: what is published, what runs, what stopped, and which days are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from creatorpool.ingest.report import TableCounts
from creatorpool.runs.claims import EVERY_DAY, is_held, standing_claims
from creatorpool.runs.ledger import (
    CLOSE,
    INGEST,
    LOAD,
    PAY,
    POST,
    PUBLISHED,
    StageLedger,
    StageRun,
    latest_run,
)
from creatorpool.runs.pools import PoolRun, every_published_pool, paid_days
from creatorpool.settlement.months import month_name
from creatorpool.tables import Warehouse

_OF_NO_SERVICE_DAY = (LOAD, POST, CLOSE, PAY)
"""Stages whose runs are about the day of a load, a booking day or a month"""


@dataclass(frozen=True)
class MonthState:
    """The days of a month that are published and posted, and the run that closed it; None while it is open."""

    month: str
    published: int
    posted: int
    closed: StageRun | None


@dataclass(frozen=True)
class DaysState:
    """The published runs and pools of some days, and what is not published, of all days or of one."""

    runs: Sequence[StageRun]
    pools: Sequence[PoolRun]
    books: Sequence[StageRun]
    """Published runs that posted days to the journal or closed months, of all days that were asked for"""
    paid: Sequence[date]
    """All days with published pools that were asked for, ascending"""
    earlier: Sequence[date]
    """Days of which something is published, before those of `runs` and `pools`, ascending"""
    running: Sequence[Mapping[str, Any]]
    """Claims of live runs, rows of `run_claims`"""
    stopped: Sequence[Mapping[str, Any]]
    """Claims of runs that ended without giving them back"""
    unfinished: Sequence[StageRun]
    """Runs that began to change tables and did not finish"""
    failed: Sequence[StageRun]
    """Runs that failed and were undone, of stages that no other run has published since"""
    missing: Sequence[date]
    """Days without payouts between days with payouts, but for those that a month was closed without"""

    @property
    def days(self) -> list[date]:
        """All service days of which a stage or a pool is published, ascending."""
        runs = (run for run in self.runs if run.stage not in _OF_NO_SERVICE_DAY)
        return sorted({run.day for run in runs} | {pool.day for pool in self.pools})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not any((self.runs, self.books, self.pools, self.running, self.stopped, self.unfinished, self.failed))

    @cached_property
    def months(self) -> list[MonthState]:
        """Each month with published payouts, or of which something is posted, ascending."""
        nights = {night for run in self.books if run.stage == POST for night in run.rows["nights"]}
        posted = Counter(month_name(date.fromisoformat(night)) for night in nights)
        published = Counter(map(month_name, self.paid))
        closed = {month_name(run.day): run for run in self.books if run.stage == CLOSE}
        return [
            MonthState(month, published[month], posted[month], closed.get(month))
            for month in sorted({*posted, *published, *closed})
        ]

    def refused(self, day: date) -> tuple[str, float] | None:
        """The table of `day` with the largest share of quarantined rows, and this share; None if nothing is known."""
        run = latest_run(run for run in self.runs if (run.stage, run.day) == (INGEST, day))
        shares = {} if run is None else _refused_shares(run.rows)
        return max(shares.items(), key=lambda entry: entry[1], default=None)


def state_of_days(warehouse: Warehouse, day: date | None = None, most: int | None = None) -> DaysState:
    """The state of `day`, or of all days; starts no engine.

    With `most`, runs and pools are those of so many of the latest days with anything published.
    """
    ledger = StageLedger.read(warehouse)
    paid = sorted(paid_days(warehouse))
    days = sorted({*paid, *ledger.published_days()}) if day is None else [day]
    shown = days[-most:] if most is not None else days
    claims = [claim for claim in standing_claims(warehouse) if day is None or claim["date"] in (day, EVERY_DAY)]
    own = None if day is None else [day]
    return DaysState(
        runs=ledger.runs(PUBLISHED, days=shown),
        pools=every_published_pool(warehouse, shown),
        books=[run for stage in (POST, CLOSE) for run in ledger.runs(PUBLISHED, stage, own)],
        paid=[one for one in paid if day in (None, one)],
        earlier=days[: -len(shown)],
        running=[claim for claim in claims if is_held(claim)],
        stopped=[claim for claim in claims if not is_held(claim)],
        unfinished=_of_day(ledger.unfinished(), day),
        failed=_of_day(ledger.failed(), day),
        missing=[gap for gap in missing_days({*paid, *ledger.days_without()}) if day in (None, gap)],
    )


def missing_days(days: Iterable[date]) -> list[date]:
    """Days that are not among `days`, between the first and the last of them."""
    known = set(days)
    if not known:
        return []
    first, last = min(known), max(known)
    return [gap for n in range((last - first).days) if (gap := first + timedelta(days=n)) not in known]


def _of_day(runs: Iterable[StageRun], day: date | None) -> list[StageRun]:
    return [run for run in runs if day in (None, run.day)]


def _refused_shares(counts: Mapping[str, Any]) -> dict[str, float]:
    """Share of quarantined rows by table, from the facts of an ingestion (`ingest.report.TableCounts`)."""
    return {
        table: TableCounts(**own).refused_share
        for table, own in counts.items()
        if isinstance(own, Mapping) and own.get("read")
    }
