"""Payouts from the pools' dual solutions: each executor computes its own rows, and the micros sum to the pool exactly.

The driver needs one column of a pool, its effective impressions, and the creators if they have caps. It solves the
dual problem and derives the rounding rules. Executors apply both to their batches with the same numpy code, bit for
bit. Only rows tied at a rounding threshold depend on other batches: the first of them by video id get one micro more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.allocation.payout import BOUNDS, payout_from_dual, place_among
from creatorpool.allocation.split import PoolSplit
from creatorpool.frames import matching, parts_by
from creatorpool.money import apply_rounding
from creatorpool.tables import sum_exact

Batches = Iterable[pa.RecordBatch]

_FEW_POOLS = 32
"""With more pools than this, rows are first sorted by pool"""

_FILLED_COLUMNS = (
    "category string, video_id string, creator_id string, effective_impressions double, share double, weight double, "
    "floor_micros bigint, cap_micros bigint, payout_micros bigint, bound string, is_tied boolean, tied_creator string, "
    "raised_ties bigint"
)
_TIE_COLUMNS = ("is_tied", "tied_creator", "raised_ties")
"""Whether the row is in an open tie; the tie's creator (null: tie of the pool); how many tied rows get a micro more."""


def fill_payouts(members: DataFrame, splits: Sequence[PoolSplit]) -> DataFrame:
    """One row per (category, video) of the solved pools: the columns of contract `pool_payouts` except `date`.

    Executors compute Arrow batches. The ties of `splits` must be settled (`settle_ties`).
    """
    return _filled(members, splits).drop(*_TIE_COLUMNS)


def settle_ties(members: DataFrame, splits: Sequence[PoolSplit]) -> list[PoolSplit]:
    """The same splits with `last_raised_id` set: first for ties within creators, then for ties of the pool.

    Takes one pass over `members` if ties must be cut, and one more if some are within creators.
    """
    within = [split for split in splits if split.has_open_creator_ties]
    settled = {split.terms.category: split for split in splits} | _settled_creators(members, within)
    return list((settled | _settled_pools(members, [split for split in settled.values() if split.open_ties])).values())


def _settled_creators(members: DataFrame, splits: Sequence[PoolSplit]) -> dict[str, PoolSplit]:
    if not splits:
        return {}
    last = _last_raised(members, splits, F.col("tied_creator").isNotNull())
    settled = {}
    for split in splits:
        own, rows = split.creators, last.filter(pc.equal(last.column("category"), split.terms.category))
        if own is not None:
            creator, video_id = (_strings(rows.column(name)) for name in ("tied_creator", "video_id"))
            ids = np.full(own.creator.size, "", dtype=object)
            ids[place_among(own.creator, creator.astype(np.str_))] = video_id
            settled[split.terms.category] = replace(split, creators=replace(own, last_raised_id=ids))
    return settled


def _settled_pools(members: DataFrame, splits: Sequence[PoolSplit]) -> dict[str, PoolSplit]:
    if not splits:
        return {}
    last = _last_raised(members, splits, F.col("tied_creator").isNull())
    ids = dict(zip(last.column("category").to_pylist(), last.column("video_id").to_pylist(), strict=True))
    return {split.terms.category: replace(split, last_raised_id=ids.get(split.terms.category)) for split in splits}


def _last_raised(members: DataFrame, splits: Sequence[PoolSplit], chosen: Column) -> pa.Table:
    """For each group of tied rows, the last row by id that gets one micro more: category, tied_creator, video_id."""
    tied = _filled(members, splits).where(F.col("is_tied") & chosen)
    position = F.row_number().over(Window.partitionBy("category", "tied_creator").orderBy("video_id"))
    placed = tied.select("category", "tied_creator", "video_id", "raised_ties", position.alias("position"))
    last = placed.where(F.col("position") == F.col("raised_ties"))
    return last.select("category", "tied_creator", "video_id").toArrow()


def _filled(members: DataFrame, splits: Sequence[PoolSplit]) -> DataFrame:
    by_category = {split.terms.category: split for split in splits}
    known = matching(members, "category", by_category)
    columns = known.select("category", "video_id", "creator_id", "effective_impressions")
    if len(splits) > _FEW_POOLS:
        columns = columns.sortWithinPartitions("category")  # so that each pool is in few batches
    return columns.mapInArrow(_filler(by_category), _FILLED_COLUMNS)


def _filler(splits: Mapping[str, PoolSplit]) -> Callable[[Batches], Batches]:
    def fill(batches: Batches) -> Batches:
        for batch in batches:
            # Compute each pool's rows of a batch at once: their order does not matter.
            filled = [fill_rows(rows, splits[category]) for category, rows in parts_by(batch, "category")]
            if filled:
                yield from pa.Table.from_batches(filled).combine_chunks().to_batches()

    return fill


def fill_rows(rows: pa.RecordBatch, split: PoolSplit) -> pa.RecordBatch:
    """Payouts of any rows of one pool, as an Arrow batch with the columns of `_FILLED_COLUMNS`."""
    impressions = rows.column("effective_impressions").to_numpy(zero_copy_only=False)
    floor, cap = split.terms.bounds(impressions)
    creator = None if split.dual.creators is None else _strings(rows.column("creator_id")).astype(np.str_)
    payout, bound = payout_from_dual(split.dual, impressions, floor, cap, creator)
    micros, ties = _whole_micros(rows, split, payout, floor, cap, creator)
    share = split.dual.objective.scaled(impressions) / max(split.dual.objective.totals.total, np.finfo(float).tiny)
    has_cap = np.isfinite(cap)
    return pa.RecordBatch.from_arrays(
        [
            rows.column("category"),
            rows.column("video_id"),
            rows.column("creator_id"),
            rows.column("effective_impressions"),
            pa.array(share),
            pa.array(share**split.terms.policy.alpha),
            pa.array(floor),
            pa.array(np.where(has_cap, cap, 0).astype(np.int64), mask=~has_cap),
            pa.array(micros),
            pa.array(np.array(BOUNDS)[bound]),
            *ties,
        ],
        names=[field.split()[0] for field in _FILLED_COLUMNS.split(", ")],
    )


def _whole_micros(
    rows: pa.RecordBatch,
    split: PoolSplit,
    payout: NDArray[np.float64],
    floor: NDArray[np.int64],
    cap: NDArray[np.float64],
    creator: NDArray[np.str_] | None,
) -> tuple[NDArray[np.int64], list[pa.Array]]:
    """The payouts in micros, and `_TIE_COLUMNS`."""
    lower: NDArray[Any] = floor
    upper: NDArray[Any] = cap
    of_creator = np.zeros(payout.size, dtype=np.int64)
    if split.creators is not None and creator is not None:
        place = place_among(split.creators.creator, creator)
        bounds = split.creators.bounds(payout, floor, cap, place, _strings(rows.column("video_id")))
        lower, upper, of_creator = bounds.lower, bounds.upper, bounds.raised_ties
    micros, tied = apply_rounding(payout, split.rounding, lower, upper)
    if split.last_raised_id is not None:
        micros += tied & np.asarray(pc.less_equal(rows.column("video_id"), split.last_raised_id))
    tied &= split.open_ties > 0
    within = of_creator > 0
    raised = np.where(within, of_creator, np.where(tied, split.open_ties, 0))
    tied_creator = pc.if_else(pa.array(within), rows.column("creator_id"), pa.scalar(None, pa.string()))
    return micros, [pa.array(tied | within), tied_creator, pa.array(raised)]


def _strings(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    return np.array(column.to_pylist(), dtype=object)


def video_totals(pool_payouts: DataFrame, pulse: DataFrame, videos: DataFrame, currency: str) -> DataFrame:
    """One row per video with pool or Pulse earnings: the columns of contract `video_payouts` except `date`.

    ProjEarnings (formulas §2.7, S0 §2) is `payout_micros`, the sum over the day's pools.
    """
    earned = pool_payouts.groupBy("video_id").agg(sum_exact("payout_micros").alias("payout_micros"))
    both = earned.join(pulse, "video_id", "full")
    payout = F.coalesce("payout_micros", F.lit(0).cast("bigint"))
    pulse_micros = F.coalesce("pulse_micros", F.lit(0).cast("bigint"))
    # `videos` has one row per video (key of its contract).
    return both.join(videos.select("video_id", "creator_id"), "video_id", "inner").select(
        "video_id",
        "creator_id",
        payout.alias("payout_micros"),
        pulse_micros.alias("pulse_micros"),
        (payout + pulse_micros).alias("total_micros"),
        F.lit(currency).alias("currency"),
    )


def creator_totals(video_payouts: DataFrame) -> DataFrame:
    """One row per creator in `video_payouts` of one day: the columns of contract `creator_payouts` except `date`."""
    totals = video_payouts.groupBy("creator_id", "currency").agg(
        sum_exact("payout_micros").alias("payout_micros"),
        sum_exact("pulse_micros").alias("pulse_micros"),
        sum_exact("total_micros").alias("total_micros"),
        F.count(F.when(F.col("total_micros") > 0, 1)).alias("videos_paid"),
    )
    return totals.select("creator_id", "payout_micros", "pulse_micros", "total_micros", "videos_paid", "currency")
