"""The videos that pools paid nothing on the days of a month, and why."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import matching
from creatorpool.statements.month_words import NO_IMPRESSIONS, NOT_COMPLIANT


def left_out_videos(
    quality: DataFrame, videos: DataFrame, pool_payouts: DataFrame, creators: Collection[str] | None = None
) -> DataFrame:
    """Videos of `creators` (default: of all) that pools paid nothing: one row per video and reason.

    Parameters
    ----------
    quality, pool_payouts : DataFrame
        Rows of `video_quality` and `pool_payouts` of the days.
    videos : DataFrame
        Rows of `videos`, which name the creators of videos that are in no pool.

    Returns
    -------
    DataFrame
        `creator_id`, `video_id`, `reason` (`NOT_COMPLIANT` or `NO_IMPRESSIONS`), and `days`, `first` and `last`.
    """
    refused = quality.where(~F.col("is_compliant")).select("date", "video_id")
    owned = _of(creators, videos.select("video_id", "creator_id"))
    refused = refused.join(owned, "video_id", "inner").withColumn("reason", F.lit(NOT_COMPLIANT))
    is_nothing = (F.col("effective_impressions") == 0) & (F.col("payout_micros") == 0)
    unseen = _of(creators, pool_payouts.where(is_nothing).select("date", "video_id", "creator_id"))
    columns = ("creator_id", "video_id", "reason", "date")
    every = refused.select(*columns).unionByName(unseen.withColumn("reason", F.lit(NO_IMPRESSIONS)).select(*columns))
    return every.groupBy("creator_id", "video_id", "reason").agg(
        F.countDistinct("date").alias("days"), F.min("date").alias("first"), F.max("date").alias("last")
    )


def _of(creators: Collection[str] | None, rows: DataFrame) -> DataFrame:
    return rows if creators is None else matching(rows, "creator_id", creators)
