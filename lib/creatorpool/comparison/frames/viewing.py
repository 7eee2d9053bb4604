"""The views in each pool by viewer depth: from viewer–video pairs to the sums that rules by viewer need."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def pool_viewing(pairs: DataFrame, members: DataFrame) -> DataFrame:
    """One row per (`category`, `video_id`, `depth`): Σ `views` by viewers with `depth` views in the category's pool.

    `pairs` are the viewer–video pairs; `members` of the pools has one row per (`category`, `video_id`). All numbers are
    whole, so that neither the order of rows nor the engine can change them.
    """
    watched = (
        pairs.where(F.col("views") > 0)
        .select("video_id", "viewer_id", "views")
        .join(
            members.select("category", "video_id"), on="video_id", how="inner"
        )  # gives one row per pair and pool of the video
    )
    depths = watched.groupBy("category", "viewer_id").agg(F.sum("views").alias("depth"))
    return (
        watched.join(depths, on=["category", "viewer_id"], how="inner")  # key of depths
        .groupBy("category", "video_id", "depth")
        .agg(F.sum("views").alias("views"))
        .select("category", "video_id", "depth", "views")
    )
