"""Payouts from the pools' duals: each executor fills in its own rows, and the micros close over all of them.

The driver needs one column of a pool, its effective impressions. It solves the dual and derives the rounding rule;
executors apply both to their batches with the same numpy code, bit for bit. Only rows tied at the rounding threshold
need an agreement between batches: the first few of them by video id get one micro more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.allocation.payout import BOUNDS, Dual, payout_from_dual
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.allocation.program import Allocation, allocate
from creatorpool.frames import beside, matching, parts_by
from creatorpool.money import RoundingRule, apply_rounding, rounding_rule
from creatorpool.tables import sum_exact

Batches = Iterable[pa.RecordBatch]

_FEW_POOLS = 32
"""With more, the rows of each pool are brought together first"""

_FILLED_COLUMNS = (
    "category string, video_id string, creator_id string, effective_impressions double, share double, weight double, "
    "floor_micros bigint, cap_micros bigint, payout_micros bigint, bound string, is_tied boolean"
)


@dataclass(frozen=True)
class PoolTerms:
    """What a pool is split by: money and bounds in micros."""

    category: str
    pool_micros: int
    floor_micros: int
    cap_micros: int | None
    alpha: float
    lambda_eff: float
    objective: str

    def bounds(self, effective_impressions: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Floor and cap of each row. A video without effective impressions never gets more than its floor."""
        floor = np.full(effective_impressions.size, self.floor_micros, dtype=np.int64)
        cap = np.inf if self.cap_micros is None else float(self.cap_micros)
        return floor, np.where(effective_impressions > 0, cap, floor.astype(np.float64))


@dataclass(frozen=True)
class PoolSplit:
    """A solved pool: what executors need to fill in any of its rows."""

    terms: PoolTerms
    dual: Dual
    rounding: RoundingRule
    last_raised_id: str | None = None  # of the rows tied at the rounding threshold, the last that gets a micro more


def split_pool(
    terms: PoolTerms, effective_impressions: NDArray[np.float64], creators: PoolCreators | None = None
) -> tuple[PoolSplit, Allocation]:
    """Solve one pool and find the rule that rounds it, whatever the order of its rows.

    With `creators`, those of the same rows, no creator's whole micros sum to more than the creator's cap.

    Raises
    ------
    InfeasiblePoolError
        If the floors sum to more than the pool or a creator's cap, or the caps to less than the pool.
    """
    floor, cap = terms.bounds(effective_impressions)
    allocation = allocate(
        effective_impressions,
        float(terms.pool_micros),
        alpha=terms.alpha,
        lambda_eff=terms.lambda_eff,
        floor=floor,
        cap=cap,
        objective="log" if terms.objective == "log" else "linear",
        creator=None if creators is None else creators.code,
        creator_cap=None if creators is None else creators.limits(terms.floor_micros),
    )
    rounding = rounding_rule(allocation.payout, terms.pool_micros, floor, cap)
    return PoolSplit(terms, _labelled(allocation.dual, creators), rounding), allocation


def _labelled(dual: Dual, creators: PoolCreators | None) -> Dual:
    """The same dual, its capped creators by their ids in place of their codes: executors know nothing else."""
    if creators is None or dual.creators is None:
        return dual
    return replace(dual, creators=replace(dual.creators, creator=creators.label[dual.creators.creator]))


def fill_payouts(members: DataFrame, splits: Sequence[PoolSplit]) -> DataFrame:
    """One row per (category, video) of the solved pools: contract `pool_payouts` without its day.

    Arrow batches on the executors; `splits` must have their ties settled (`settle_ties`).
    """
    filled = _filled(members, splits)
    return filled.drop("is_tied")


def settle_ties(members: DataFrame, splits: Sequence[PoolSplit]) -> list[PoolSplit]:
    """The same splits, with the last video id that each pool's ties raise. Costs a pass only where ties are cut."""
    tied_pools = {split.terms.category: split for split in splits if split.rounding.raised_ties > 0}
    if not tied_pools:
        return list(splits)
    tied = _filled(members, list(tied_pools.values())).where("is_tied").select("category", "video_id")
    position = F.row_number().over(Window.partitionBy("category").orderBy("video_id"))
    raised = [split.rounding.raised_ties for split in tied_pools.values()]
    wanted = beside(members, pa.table({"category": list(tied_pools), "position": pa.array(raised, pa.int64())}))
    ordered = tied.withColumn("position", position.cast("bigint"))
    last = ordered.join(wanted, on=["category", "position"], how="left_semi").collect()
    last_ids = {row["category"]: row["video_id"] for row in last}
    return [_with_last_id(split, last_ids.get(split.terms.category)) for split in splits]


def _with_last_id(split: PoolSplit, video_id: str | None) -> PoolSplit:
    return PoolSplit(split.terms, split.dual, split.rounding, video_id)


def _filled(members: DataFrame, splits: Sequence[PoolSplit]) -> DataFrame:
    by_category = {split.terms.category: split for split in splits}
    known = matching(members, "category", by_category)
    columns = known.select("category", "video_id", "creator_id", "effective_impressions")
    if len(splits) > _FEW_POOLS:
        columns = columns.sortWithinPartitions("category")  # few batches for each of many pools
    return columns.mapInArrow(_filler(by_category), _FILLED_COLUMNS)


def _filler(splits: Mapping[str, PoolSplit]) -> Callable[[Batches], Batches]:
    def fill(batches: Batches) -> Batches:
        for batch in batches:
            # Each pool's rows of a batch at once; rows carry no order.
            filled = [fill_rows(rows, splits[category]) for category, rows in parts_by(batch, "category")]
            if filled:
                yield from pa.Table.from_batches(filled).combine_chunks().to_batches()

    return fill


def fill_rows(rows: pa.RecordBatch, split: PoolSplit) -> pa.RecordBatch:
    """Payouts of some rows of one pool, as an Arrow batch with the columns of `_FILLED_COLUMNS`."""
    impressions = rows.column("effective_impressions").to_numpy(zero_copy_only=False)
    floor, cap = split.terms.bounds(impressions)
    creator = None if split.dual.creators is None else np.array(rows.column("creator_id").to_pylist(), dtype=np.str_)
    payout, bound = payout_from_dual(split.dual, impressions, floor, cap, creator)
    micros, tied = apply_rounding(payout, split.rounding, floor, cap)
    if split.last_raised_id is not None:
        micros += tied & np.asarray(pc.less_equal(rows.column("video_id"), split.last_raised_id))
    share = split.dual.objective.scaled(impressions) / max(split.dual.objective.totals.total, np.finfo(float).tiny)
    has_cap = np.isfinite(cap)
    return pa.RecordBatch.from_arrays(
        [
            rows.column("category"),
            rows.column("video_id"),
            rows.column("creator_id"),
            rows.column("effective_impressions"),
            pa.array(share),
            pa.array(share**split.terms.alpha),
            pa.array(floor),
            pa.array(np.where(has_cap, cap, 0).astype(np.int64), mask=~has_cap),
            pa.array(micros),
            pa.array(np.array(BOUNDS)[bound]),
            pa.array(tied),
        ],
        names=[field.split()[0] for field in _FILLED_COLUMNS.split(", ")],
    )


def video_totals(pool_payouts: DataFrame, pulse: DataFrame, videos: DataFrame, currency: str) -> DataFrame:
    """One row per video that shared a pool or earned Pulse money: contract `video_payouts` without its day.

    ProjEarnings of S0 §2 is `payout_micros`, the sum over the day's pools.
    """
    earned = pool_payouts.groupBy("video_id").agg(sum_exact("payout_micros").alias("payout_micros"))
    both = earned.join(pulse, "video_id", "full")
    payout = F.coalesce("payout_micros", F.lit(0).cast("bigint"))
    pulse_micros = F.coalesce("pulse_micros", F.lit(0).cast("bigint"))
    # `videos` has one row a video: its contract's key.
    return both.join(videos.select("video_id", "creator_id"), "video_id", "inner").select(
        "video_id",
        "creator_id",
        payout.alias("payout_micros"),
        pulse_micros.alias("pulse_micros"),
        (payout + pulse_micros).alias("total_micros"),
        F.lit(currency).alias("currency"),
    )


def creator_totals(video_payouts: DataFrame) -> DataFrame:
    """One row per creator with a video in `video_payouts` of one day: contract `creator_payouts` without its day."""
    totals = video_payouts.groupBy("creator_id", "currency").agg(
        sum_exact("payout_micros").alias("payout_micros"),
        sum_exact("pulse_micros").alias("pulse_micros"),
        sum_exact("total_micros").alias("total_micros"),
        F.count(F.when(F.col("total_micros") > 0, 1)).alias("videos_paid"),
    )
    return totals.select("creator_id", "payout_micros", "pulse_micros", "total_micros", "videos_paid", "currency")
