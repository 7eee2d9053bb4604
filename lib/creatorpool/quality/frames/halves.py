"""Each video's viewers in two halves, so that the day's own transforms score both in one run."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

HALVES = ("#0", "#1")
"""What a half adds to the ids of its videos and to their categories, whose priors are then its own as well."""


def split_viewers(events: DataFrame, seed: int) -> DataFrame:
    """Events with `video_id` renamed to that of the half that the viewer falls into: a hash of seed, video, viewer."""
    digest = F.md5(F.concat_ws("\n", F.lit(str(seed)), "video_id", "viewer_id"))
    # The first of 32 hexadecimal digits; functions that hash to numbers are not the same on every engine.
    half = F.when(digest < "8", HALVES[0]).otherwise(HALVES[1])
    return events.withColumn("video_id", F.concat("video_id", half))


def split_videos(videos: DataFrame) -> DataFrame:
    """Each video twice, as the video of each half."""
    halves = F.explode(F.array(*(F.lit(half) for half in HALVES)))
    return videos.withColumn("half", halves).select(
        *(_in_half(name) if name in ("video_id", "categories") else F.col(name) for name in videos.columns)
    )


def _in_half(name: str) -> Column:
    if name == "video_id":
        return F.concat("video_id", "half").alias(name)
    return F.array(F.concat(F.col("categories").getItem(0), "half")).alias(name)


def long_view_share(events: DataFrame, videos: DataFrame, long_view_ms: int) -> DataFrame:
    """`video_id`, `long_views`: share of a video's events that lasted as long as the video, or `long_view_ms`."""
    is_long = F.col("watch_ms") >= F.least(F.col("length_ms"), F.lit(long_view_ms))
    return (
        events.join(videos.select("video_id", "length_ms"), on="video_id", how="inner")  # video_id: key of videos
        .groupBy("video_id")
        .agg(F.avg(is_long.cast("double")).alias("long_views"))
    )
