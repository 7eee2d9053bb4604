"""Published pools settled anew, from the quality that they were paid by."""

from __future__ import annotations

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
from creatorpool.verification.checks import Check, compared_records

RECOMPUTED = (
    *("pool_micros", "paid_micros", "unallocated_micros", "videos_eligible", "coverage", "nu"),
    *("gini", "top1pct_share", "efficiency_moved_micros", "warning"),
)
"""Columns of the ledger that follow from a pool's members and the configuration."""

_COLUMNS = ("creator_id", "effective_impressions", "floor_micros", "cap_micros", "payout_micros")


@dataclass(frozen=True)
class VerifiedPools:
    """Some pools as they should be: their ledger rows as stored, their members and settlements as recomputed."""

    ledger: Mapping[str, PoolRun]
    formed: Mapping[str, PoolRevenue]
    """Of all categories of the day, as the run that paid those of `ledger` had to form them"""
    members: DataFrame
    settled: Mapping[str, SettledPool]
    failures: Mapping[str, str]

    @property
    def splits(self) -> Sequence[PoolSplit]:
        """The pools' solutions."""
        return [pool.split for pool in self.settled.values() if pool.split is not None]

    def ledger_check(self) -> Check:
        """The ledger's numbers, against those of the settlement."""
        name = "allocation_runs from the pools' members"
        if self.failures:
            category, message = next(iter(self.failures.items()))
            return Check(name, len(self.ledger), len(self.failures), f"{category}: {message}")
        due = {name: _expected(pool) for name, pool in self.settled.items()}
        return compared_records(name, {name: vars(row) for name, row in self.ledger.items()}, due)

    def sums_check(self, payouts: DataFrame) -> Check:
        """Payouts and what is unallocated sum to each pool, over as many videos as the ledger says."""
        is_paid = F.count(F.when(F.col("payout_micros") > 0, 1))
        rows = payouts.groupBy("category").agg(
            sum_exact("payout_micros").alias("paid_micros"),
            F.count("*").alias("videos_eligible"),
            is_paid.alias("videos_paid"),
        )
        found = {row.category: row.asDict() for row in rows.collect()}
        nothing = {"paid_micros": 0, "videos_eligible": 0, "videos_paid": 0}
        stored = {name: self._summed(name, found.get(name, nothing)) for name in self.ledger}
        due = {
            name: {column: getattr(row, column) for column in (*nothing, "pool_micros")}
            for name, row in self.ledger.items()
        }
        return compared_records("payouts and unallocated sum to the pool", stored, due)

    def _summed(self, category: str, found: Mapping[str, int]) -> dict[str, int]:
        return {**found, "pool_micros": found["paid_micros"] + self.ledger[category].unallocated_micros}

    def optimality_check(self, payouts: DataFrame) -> Check:
        """Stored payouts meet the conditions of optimality at the ledger's price, to the micro that rounding moves."""
        priced = [name for name, row in self.ledger.items() if row.nu is not None and row.paid_micros]
        rows = matching(payouts, "category", priced).select("category", *_COLUMNS).toArrow()
        own = dict(parts_by(rows, "category"))
        worst = {name: self._violation(name, own.get(name, rows.slice(0, 0))) for name in priced}
        found = [f"{category}: {violation}" for category, violation in worst.items() if violation is not None]
        return Check("payouts optimal (KKT)", len(self.ledger), len(found), found[0] if found else None)

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
        """Prices of the caps of creators, of the solution found anew: the ledger keeps the pool's price only."""
        pool = self.settled.get(category)
        own = None if pool is None or pool.split is None else pool.split.dual.creators
        if own is None:
            return 0.0
        return own.eta_at(own.place(np.array(rows.column("creator_id").to_pylist(), dtype=np.str_)))


def verified_pools(
    context: RunContext, inputs: Mapping[str, int], ledger: Mapping[str, PoolRun], payouts: DataFrame
) -> VerifiedPools:
    """Settle the pools of `ledger` anew, all paid from `inputs`; one that cannot be settled is among the failures."""
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
    return VerifiedPools(ledger, formed, members, settled, failures)


def _formed(context: RunContext, inputs: Mapping[str, int], ledger: Mapping[str, PoolRun]) -> dict[str, PoolRevenue]:
    """The day's pools, formed from the revenue and the carries that a run read; empty where neither names one."""
    revenue = context.warehouse.read("ad_revenue", day=context.day, version=inputs["ad_revenue"])
    booked = [row.asDict() for row in category_revenue(revenue).collect()]
    version = inputs.get(POOL_LEDGER)
    open_then = carries_at(context.warehouse, context.day, version, next(iter(ledger.values())).currency)
    pools = form_pools(booked, context.settings.pools, DayCarries(version, open_then).into(ledger, ()))
    return {pool.category: pool for pool in pools}


def _expected(pool: SettledPool) -> dict[str, Any]:
    values = {name: getattr(pool, name) for name in RECOMPUTED if name != "pool_micros"}
    return values | {"pool_micros": pool.revenue.pool_micros, "currency": pool.revenue.currency}
