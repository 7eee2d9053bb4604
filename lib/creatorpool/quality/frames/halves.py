"""Each video's viewers in two halves, so that one run of the day's transforms scores both."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

HALVES = ("#0", "#1")
"""Suffixes of the halves for the ids of videos and for categories, so that each half has its own priors."""


def split_viewers(events: DataFrame, seed: int) -> DataFrame:
    """Events with the suffix of the viewer's half in `video_id`; a hash of seed, video and viewer chooses the half."""
    digest = F.md5(F.concat_ws("\n", F.lit(str(seed)), "video_id", "viewer_id"))
    # md5 has 32 hexadecimal digits, and the first decides. Engines differ in functions that hash to numbers.
    half = F.when(digest < "8", HALVES[0]).otherwise(HALVES[1])
    return events.withColumn("video_id", F.concat("video_id", half))


def split_videos(videos: DataFrame) -> DataFrame:
    """Each video twice, once per half."""
    halves = F.explode(F.array(*(F.lit(half) for half in HALVES)))
    return videos.withColumn("half", halves).select(
        *(_in_half(name) if name in ("video_id", "categories") else F.col(name) for name in videos.columns)
    )


def _in_half(name: str) -> Column:
    if name == "video_id":
        return F.concat("video_id", "half").alias(name)
    return F.array(F.concat(F.col("categories").getItem(0), "half")).alias(name)


def long_view_share(events: DataFrame, videos: DataFrame, long_view_ms: int) -> DataFrame:
    """`video_id`, `long_views`: share of a video's events that last at least its length or `long_view_ms`."""
    is_long = F.col("watch_ms") >= F.least(F.col("length_ms"), F.lit(long_view_ms))
    return (
        events.join(videos.select("video_id", "length_ms"), on="video_id", how="inner")  # video_id: key of videos
        .groupBy("video_id")
        .agg(F.avg(is_long.cast("double")).alias("long_views"))
    )
