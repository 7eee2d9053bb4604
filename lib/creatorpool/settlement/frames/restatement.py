"""The changes that a restatement books, one row per pool and video, from what is settled and what would be paid now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.settlement.restatement import PULSE, Policy
from creatorpool.tables import sum_exact

BOUNDS = ("floor_micros", "cap_micros")
_KEY = ["category", "video_id"]


def earned_rows(pool_payouts: DataFrame, video_payouts: DataFrame, kept: Sequence[str] = ()) -> DataFrame:
    """One row per pool and video of a day, Pulse among the pools: `creator_id`, `micros`, the bounds, and `bound`.

    `kept` are further columns of both frames, such as the day, if they have several.
    """
    pools = pool_payouts.select(*kept, *_KEY, "creator_id", F.col("payout_micros").alias("micros"), *BOUNDS, "bound")
    nothing = F.lit(None).cast("bigint")
    pulse = video_payouts.where(F.col("pulse_micros") != 0).select(
        *kept,
        F.lit(PULSE).alias("category"),
        "video_id",
        "creator_id",
        F.col("pulse_micros").alias("micros"),
        *(nothing.alias(name) for name in BOUNDS),
        F.lit(None).cast("string").alias("bound"),
    )
    return pools.unionByName(pulse)


def compared_rows(
    earned: DataFrame, adjustments: DataFrame | None, restated: DataFrame, touched: DataFrame
) -> DataFrame:
    """What is settled and what the day would pay, one row per pool and video of either.

    Parameters
    ----------
    earned, restated : DataFrame
        `earned_rows` as published, and as computed now.
    adjustments : DataFrame or None
        The day's rows of `payout_adjustments`; None if there are none.
    touched : DataFrame
        Column `video_id`: videos whose signals or compliance changed.

    Returns
    -------
    DataFrame
        `category`, `video_id`, `creator_id`, `settled_micros`, `restated_micros`, `bound` of the latter, and `is_own`:
        whether the video's own inputs changed, its signals, compliance, bounds or membership.
    """
    before = _renamed(earned, "before")
    after = _renamed(restated, "after")
    both = before.join(after, _KEY, "full").join(touched.withColumn("is_touched", F.lit(True)), "video_id", "left")
    if adjustments is not None:
        booked = adjustments.groupBy(*_KEY).agg(
            sum_exact("change_micros").alias("booked_micros"), F.min("creator_id").alias("creator_booked")
        )
        both = both.join(booked, _KEY, "full")
    else:
        both = both.withColumns(
            {"booked_micros": F.lit(0).cast("bigint"), "creator_booked": F.lit(None).cast("string")}
        )
    moved = [~F.col(f"{name}_before").eqNullSafe(F.col(f"{name}_after")) for name in BOUNDS]
    joined_or_left = F.col("creator_id_before").isNull() != F.col("creator_id_after").isNull()
    is_own = reduce(or_, [F.coalesce("is_touched", F.lit(False)), joined_or_left, *moved])
    return both.select(
        *_KEY,
        F.coalesce("creator_id_after", "creator_id_before", "creator_booked").alias("creator_id"),
        (_or_zero("micros_before") + _or_zero("booked_micros")).alias("settled_micros"),
        _or_zero("micros_after").alias("restated_micros"),
        F.col("bound_after").alias("bound"),
        # Pulse money follows the revenue beside a video, which is no input of the video's own.
        (is_own & (F.col("category") != PULSE)).alias("is_own"),
    )


def booked_change(policy: Policy) -> Column:
    """The change that `policy` books for a row of `compared_rows`, micros."""
    change = F.col("restated_micros") - F.col("settled_micros")
    nothing = F.lit(0).cast("bigint")
    if policy == "claw_back":
        return F.when(F.col("is_own"), F.least(change, nothing)).otherwise(nothing)
    return F.greatest(change, nothing) if policy == "hold_harmless" else change


def touched_videos(before: Sequence[DataFrame], after: Sequence[DataFrame]) -> DataFrame:
    """Videos (`video_id`) of which a row differs between the frames of `before` and `after`, pair by pair.

    Each frame has one row per `video_id`; the day is not compared.
    """
    found = [_differing(old, new) for old, new in zip(before, after, strict=True)]
    return reduce(DataFrame.unionByName, found).distinct()


def _differing(before: DataFrame, after: DataFrame) -> DataFrame:
    names = [name for name in after.columns if name not in ("date", "video_id")]
    old, new = (_hashed(rows, names, alias) for rows, alias in ((before, "old"), (after, "new")))
    both = old.join(new, "video_id", "full")
    return both.where(~F.col("old").eqNullSafe(F.col("new"))).select("video_id")


def _hashed(rows: DataFrame, names: Sequence[str], alias: str) -> DataFrame:
    return rows.select("video_id", F.xxhash64(*names).alias(alias))


def _renamed(rows: DataFrame, when: str) -> DataFrame:
    return rows.select(
        *_KEY, *(F.col(name).alias(f"{name}_{when}") for name in ("creator_id", "micros", "bound", *BOUNDS))
    )


def _or_zero(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit(0).cast("bigint"))
