"""Who watched what in each pool: viewer–video pairs to the sums that rules by viewer need. DataFrame in and out."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def pool_viewing(pairs: DataFrame, members: DataFrame) -> DataFrame:
    """One row per (`category`, `video_id`, `depth`): Σ `views` by viewers with `depth` views in the category's pool.

    From viewer–video `pairs` and the `members` of the pools, one row per (`category`, `video_id`). Whole numbers only,
    so that neither the order of rows nor the engine can change them.
    """
    watched = (
        pairs.where(F.col("views") > 0)
        .select("video_id", "viewer_id", "views")
        .join(members.select("category", "video_id"), on="video_id", how="inner")  # one row a pool of the video
    )
    depths = watched.groupBy("category", "viewer_id").agg(F.sum("views").alias("depth"))
    return (
        watched.join(depths, on=["category", "viewer_id"], how="inner")  # its key
        .groupBy("category", "video_id", "depth")
        .agg(F.sum("views").alias("views"))
        .select("category", "video_id", "depth", "views")
    )
