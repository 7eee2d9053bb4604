"""The videos and creators that share each pool, and Pulse earnings, as Spark frames (formulas §2.1, S0 §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.pool_creators import PoolCreators, coded_creators
from creatorpool.frames import broadcast_table, matching, parts_by
from creatorpool.settings import PoolSettings
from creatorpool.tables import sum_exact

SHARE_UNIT = 1_000_000
"""A share of money is applied as whole millionths, so that money stays in integers."""

UNVERIFIED = "unverified"
"""Verification level of a creator without a row in table `creators`."""


def category_revenue(ad_revenue: DataFrame) -> DataFrame:
    """One row per category in `ad_revenue` of one day: gross micros of its pool, refunds (<= 0), and the currency.

    A category with Pulse revenue only has a row with gross revenue 0.
    """
    totals = ad_revenue.withColumns({"gross": _of_placement("non_pulse"), "refunds": _of_placement("refund")})
    return totals.groupBy("category").agg(
        sum_exact("gross").alias("gross_micros"),
        sum_exact("refunds").alias("refunds_micros"),
        F.min("currency").alias("currency"),
    )


def _of_placement(placement: str) -> Column:
    return F.when(F.col("placement") == placement, F.col("revenue_micros")).otherwise(F.lit(0))


def pool_members(quality: DataFrame, signals: DataFrame, videos: DataFrame, settings: PoolSettings) -> DataFrame:
    """One row per (category, video) that shares a pool: compliant videos with views that day, in all their categories.

    `quality` and `signals` hold one day. Effective impressions are M = views · Q (formulas §2.2, S0 §3).
    """
    may_join = F.col("is_compliant") if settings.pulse_videos_join_pools else F.col("is_compliant") & ~F.col("is_pulse")
    scored = quality.select("video_id", "quality_score").join(signals.select("video_id", "views"), "video_id", "inner")
    described = videos.where(may_join).select("video_id", "creator_id", "categories")
    # `videos` has one row per video (key of its contract).
    joined = scored.where(F.col("views") > 0).join(described, "video_id", "inner")
    return joined.select(
        F.explode(F.array_distinct("categories")).alias("category"),
        "video_id",
        "creator_id",
        (F.col("views") * F.col("quality_score")).alias("effective_impressions"),
    )


def members_by_category(members: DataFrame) -> tuple[dict[str, int], dict[str, int]]:
    """The number of `pool_members` of each category, and of those of them with effective impressions above 0."""
    is_payable = F.count(F.when(F.col("effective_impressions") > 0, 1))
    rows = members.groupBy("category").agg(F.count("*").alias("eligible"), is_payable.alias("payable")).collect()
    rows.sort(key=lambda row: row["category"])
    return {row["category"]: row["eligible"] for row in rows}, {row["category"]: row["payable"] for row in rows}


def with_creator_caps(members: DataFrame, creators: DataFrame, caps: Mapping[str, int]) -> DataFrame:
    """`pool_members` with `creator_cap_micros`, the cap of the creator's verification level; null without a cap.

    A creator without a row in `creators` has the level `unverified`. `caps` is in micros, by level.
    """
    # `creators` has one row per creator (key of its contract).
    known = members.join(creators.select("creator_id", "verification_level"), on="creator_id", how="left")
    levelled = known.withColumn("verification_level", F.coalesce("verification_level", F.lit(UNVERIFIED)))
    columns = {"verification_level": pa.string(), "creator_cap_micros": pa.int64()}
    by_level = pa.Table.from_pylist(
        [dict(zip(columns, pair, strict=True)) for pair in caps.items()], schema=pa.schema(columns)
    )
    return levelled.join(broadcast_table(members, by_level), on="verification_level", how="left").drop(
        "verification_level"
    )


def pool_columns(
    members: DataFrame, categories: Sequence[str]
) -> dict[str, tuple[NDArray[np.float64], PoolCreators | None]]:
    """By category, the (n,) effective impressions and, if creators have caps, the creators: the driver's input."""
    has_caps = "creator_cap_micros" in members.columns
    needed = ("effective_impressions", *(("creator_id", "creator_cap_micros") if has_caps else ()))
    rows = matching(members, "category", categories).select("category", *needed).toArrow()
    found = {
        name: (own.column("effective_impressions").to_numpy(), creators_of(own) if has_caps else None)
        for name, own in parts_by(rows, "category")
    }
    return {category: found.get(category, (np.empty(0), None)) for category in categories}


def creators_of(rows: pa.Table) -> PoolCreators:
    """The creators of one pool's rows, from their columns `creator_id` and `creator_cap_micros`."""
    of = rows.column("creator_id").combine_chunks().dictionary_encode()
    label = np.array(of.dictionary.to_pylist(), dtype=np.str_)
    cap = rows.column("creator_cap_micros").cast(pa.float64()).to_numpy()
    return coded_creators(of.indices.to_numpy().astype(np.int64), label, cap)


def pulse_earnings(ad_revenue: DataFrame, settings: PoolSettings) -> DataFrame:
    """One row per video with Pulse revenue: its share of that revenue, `pulse_micros`, rounded down to the micro."""
    millionths = round(settings.pulse_creator_share * SHARE_UNIT)
    by_video = ad_revenue.where(F.col("placement") == "pulse").groupBy("video_id")
    revenue = by_video.agg(sum_exact("revenue_micros").alias("revenue_micros"))
    # Whole units and the rest are multiplied apart: the product of revenue and millionths could overflow a BIGINT.
    whole = F.expr(f"revenue_micros div {SHARE_UNIT}") * F.lit(millionths)
    rest = F.expr(f"((revenue_micros % {SHARE_UNIT}) * {millionths}) div {SHARE_UNIT}")
    return revenue.select("video_id", (whole + rest).cast("bigint").alias("pulse_micros"))
