"""The videos that pools paid nothing, or not for all their views, on the days of a month, and why."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import matching
from creatorpool.statements.month_words import INVALID_VIEWERS, NO_IMPRESSIONS, NOT_COMPLIANT


def invalid_views(events: DataFrame, invalid: DataFrame) -> DataFrame:
    """Videos with events of invalid viewers: `video_id`, and on how many `days`, the `first` and the `last` of them.

    Parameters
    ----------
    events : DataFrame
        Rows of the table.
    invalid : DataFrame
        `date` and `viewer_id`: the invalid viewers of each day.
    """
    own = events.select("date", "viewer_id", "video_id").join(invalid, ["date", "viewer_id"], "left_semi")
    return own.groupBy("video_id").agg(*_when())


def left_out_videos(
    quality: DataFrame,
    videos: DataFrame,
    pool_payouts: DataFrame,
    creators: Collection[str] | None = None,
    invalid: DataFrame | None = None,
) -> DataFrame:
    """Videos of `creators` (default: of all) that pools paid nothing, or not for all views: a row per video and reason.

    Parameters
    ----------
    quality, pool_payouts : DataFrame
        Rows of `video_quality` and `pool_payouts` of the days.
    videos : DataFrame
        Rows of `videos`, which name the creators of videos that are in no pool.
    invalid : DataFrame or None
        `invalid_views` of the days.

    Returns
    -------
    DataFrame
        `creator_id`, `video_id`, `reason` (a key of `month_words.LEFT_OUT`), and `days`, `first` and `last`.
    """
    refused = quality.where(~F.col("is_compliant")).select("date", "video_id")
    owned = _of(creators, videos.select("video_id", "creator_id"))
    refused = refused.join(owned, "video_id", "inner").withColumn("reason", F.lit(NOT_COMPLIANT))
    is_nothing = (F.col("effective_impressions") == 0) & (F.col("payout_micros") == 0)
    unseen = _of(creators, pool_payouts.where(is_nothing).select("date", "video_id", "creator_id"))
    columns = ("creator_id", "video_id", "reason", "date")
    every = refused.select(*columns).unionByName(unseen.withColumn("reason", F.lit(NO_IMPRESSIONS)).select(*columns))
    found = every.groupBy("creator_id", "video_id", "reason").agg(*_when())
    if invalid is None:
        return found
    fewer = invalid.join(owned, "video_id", "inner").withColumn("reason", F.lit(INVALID_VIEWERS))
    return found.unionByName(fewer.select(found.columns))


def _of(creators: Collection[str] | None, rows: DataFrame) -> DataFrame:
    return rows if creators is None else matching(rows, "creator_id", creators)


def _when() -> tuple[Column, Column, Column]:
    return F.countDistinct("date").alias("days"), F.min("date").alias("first"), F.max("date").alias("last")
