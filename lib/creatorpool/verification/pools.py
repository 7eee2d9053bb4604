"""Settles published pools again, from the quality that they were paid from, and compares the results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.frames.pools import category_revenue, pool_columns, pool_members, with_creator_caps
from creatorpool.allocation.kkt import KktResiduals, kkt_residuals
from creatorpool.allocation.revenue import PoolRevenue, form_pools
from creatorpool.allocation.settlement import KKT_TOLERANCE, SettledPool, settle_pool
from creatorpool.allocation.split import PoolSplit
from creatorpool.errors import CreatorpoolError
from creatorpool.frames import matching, parts_by
from creatorpool.runs.pools import POOL_LEDGER, PoolRun
from creatorpool.stages.carry import DayCarries, carries_at
from creatorpool.stages.context import RunContext
from creatorpool.tables import sum_exact
from creatorpool.verification.checks import Check, compare_records

RECOMPUTED = (
    *("pool_micros", "paid_micros", "unallocated_micros", "videos_eligible", "coverage", "nu"),
    *("gini", "top1pct_share", "efficiency_moved_micros", "warning"),
)
"""Columns of the ledger that follow from a pool's members and the configuration"""

_AMOUNT = re.compile("[0-9][0-9,]*(?:[.][0-9]+)?(?: micros| [A-Z]{3})?")

_COLUMNS = ("creator_id", "effective_impressions", "floor_micros", "cap_micros", "payout_micros")


@dataclass(frozen=True)
class RecomputedPools:
    """Some pools: their stored ledger rows, and their recomputed revenue, members and settlements."""

    ledger: Mapping[str, PoolRun]
    formed: Mapping[str, PoolRevenue]
    """Revenue of all categories of the day, as the run that paid the pools of `ledger` had to form it"""
    members: DataFrame
    settled: Mapping[str, SettledPool]
    failures: Mapping[str, str]

    @property
    def splits(self) -> Sequence[PoolSplit]:
        """The recomputed splits of the pools that have one."""
        return [pool.split for pool in self.settled.values() if pool.split is not None]

    def ledger_check(self) -> Check:
        """Compare the ledger's numbers with those of the recomputed settlement."""
        name = "allocation_runs from the pools' members"
        if self.failures:
            category, message = next(iter(self.failures.items()))
            return Check(name, len(self.ledger), len(self.failures), f"{category}: {message}", "pool")
        expected = {name: _expected(pool) for name, pool in self.settled.items()}
        stored = {
            name: {**vars(row), "warning": warning_words(row.warning, row.pool_micros)}
            for name, row in self.ledger.items()
        }
        return compare_records(name, stored, expected)

    def sums_check(self, payouts: DataFrame) -> Check:
        """Check that payouts and the unallocated rest sum to each pool, and the ledger's numbers of videos."""
        is_paid = F.count(F.when(F.col("payout_micros") > 0, 1))
        rows = payouts.groupBy("category").agg(
            sum_exact("payout_micros").alias("paid_micros"),
            F.count("*").alias("videos_eligible"),
            is_paid.alias("videos_paid"),
        )
        found = {row.category: row.asDict() for row in rows.collect()}
        nothing = {"paid_micros": 0, "videos_eligible": 0, "videos_paid": 0}
        stored = {name: self._summed(name, found.get(name, nothing)) for name in self.ledger}
        expected = {
            name: {column: getattr(row, column) for column in (*nothing, "pool_micros")}
            for name, row in self.ledger.items()
        }
        return compare_records("payouts and unallocated sum to the pool", stored, expected)

    def _summed(self, category: str, found: Mapping[str, int]) -> dict[str, int]:
        return {**found, "pool_micros": found["paid_micros"] + self.ledger[category].unallocated_micros}

    def optimality_check(self, payouts: DataFrame) -> Check:
        """Check the KKT conditions of the stored payouts at the ledger's price ν (formulas §2.3), up to rounding."""
        priced = [name for name, row in self.ledger.items() if row.nu is not None and row.paid_micros]
        rows = matching(payouts, "category", priced).select("category", *_COLUMNS).toArrow()
        own = dict(parts_by(rows, "category"))
        worst = {name: self._violation(name, own.get(name, rows.slice(0, 0))) for name in priced}
        found = [f"{category}: {violation}" for category, violation in worst.items() if violation is not None]
        return Check("payouts optimal (KKT)", len(self.ledger), len(found), found[0] if found else None, "pool")

    def _violation(self, category: str, rows: pa.Table) -> str | None:
        row, money = self.ledger[category], self.ledger[category].paid_micros
        residuals = self._residuals(category, rows)
        allowed = KKT_TOLERANCE * money + 1.0
        limits = {"budget": 0.5, "bounds": 0.0, "stationarity": allowed}
        for name, limit in limits.items():
            if getattr(residuals, name) > limit:
                return f"{name} is off by {getattr(residuals, name):.6g} micros of {money} at price {row.nu:.9g}"
        return None

    def _residuals(self, category: str, rows: pa.Table) -> KktResiduals:
        row = self.ledger[category]
        cap = pc.fill_null(rows.column("cap_micros").cast(pa.float64()), np.inf).to_numpy()
        if row.nu is None:
            raise ValueError(f"pool {category} has no price")
        return kkt_residuals(
            rows.column("payout_micros").to_numpy().astype(np.float64),
            row.nu,
            rows.column("effective_impressions").to_numpy(),
            float(row.paid_micros),
            alpha=row.policy.alpha,
            lambda_eff=row.policy.lambda_eff,
            floor=rows.column("floor_micros").to_numpy().astype(np.float64),
            cap=cap,
            objective=row.policy.objective,
            eta=self._eta(category, rows),
        )

    def _eta(self, category: str, rows: pa.Table) -> Any:
        """Prices η of the creators' caps, from the recomputed solution: the ledger has the pool's price only."""
        pool = self.settled.get(category)
        own = None if pool is None or pool.split is None else pool.split.dual.creators
        if own is None:
            return 0.0
        return own.eta_at(own.place(np.array(rows.column("creator_id").to_pylist(), dtype=np.str_)))


def recomputed_pools(
    context: RunContext, inputs: Mapping[str, int], ledger: Mapping[str, PoolRun], payouts: DataFrame
) -> RecomputedPools:
    """Settle again the pools of `ledger`, which were all paid from `inputs`; `failures` has those that cannot be."""
    warehouse, settings = context.warehouse, context.settings
    formed = _formed(context, inputs, ledger)
    quality, signals = (
        warehouse.read(table, day=context.day, version=inputs[table]) for table in ("video_quality", "video_signals")
    )
    members = pool_members(quality, signals, warehouse.read("videos", version=inputs["videos"]), settings.pools)
    caps = settings.allocation.creator_caps
    if caps is not None:
        members = with_creator_caps(members, warehouse.read("creators", version=inputs["creators"]), caps)
    members = matching(members, "category", ledger)
    columns = pool_columns(members, list(ledger))
    settled, failures = {}, {}
    for category in ledger:
        column, creators = columns[category]
        try:
            settled[category] = settle_pool(formed[category], column, settings.allocation, creators)
        except CreatorpoolError as error:
            failures[category] = str(error)
    return RecomputedPools(ledger, formed, members, settled, failures)


def _formed(context: RunContext, inputs: Mapping[str, int], ledger: Mapping[str, PoolRun]) -> dict[str, PoolRevenue]:
    """The day's pools by category, formed from the revenue and the carries that a run read."""
    revenue = context.warehouse.read("ad_revenue", day=context.day, version=inputs["ad_revenue"])
    booked = [row.asDict() for row in category_revenue(revenue).collect()]
    version = inputs.get(POOL_LEDGER)
    open_then = carries_at(context.warehouse, context.day, version, next(iter(ledger.values())).currency)
    pools = form_pools(booked, context.settings.pools, DayCarries(version, open_then).by_pool(ledger, ()))
    return {pool.category: pool for pool in pools}


def _expected(pool: SettledPool) -> dict[str, Any]:
    values = {name: getattr(pool, name) for name in RECOMPUTED if name not in ("pool_micros", "warning")}
    money = {"pool_micros": pool.revenue.pool_micros, "currency": pool.revenue.currency}
    return values | money | {"warning": warning_words(pool.warning, pool.revenue.pool_micros)}


def warning_words(warning: str | None, pool_micros: int) -> str | None:
    """A pool's warning without its amounts; None for a pool without money.

    Earlier versions wrote amounts in micros, and warned of pools without money, too. The amounts follow from other
    columns, which are compared.
    """
    return None if warning is None or not pool_micros else _AMOUNT.sub("#", warning)
