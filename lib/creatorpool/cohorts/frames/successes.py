"""Successes among all views of a day, by the rule that the tests of entrants use."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TEST_TERMS = {"entered_at": "timestamp", "window_n": "int", "period": "bigint"}
"""Columns of an entrant's view that a view of any other video does not have: they are null"""


def day_successes(events: DataFrame, videos: DataFrame, success: str) -> int:
    """Number of the views `events` for which the SQL rule `success` is true."""
    known = videos.select("video_id", "creator_id", "length_ms")
    views = events.join(known, on="video_id", how="inner")  # video_id is the key of videos
    for name, kind in TEST_TERMS.items():
        views = views.withColumn(name, F.lit(None).cast(kind))
    return views.where(F.coalesce(F.expr(success).cast("boolean"), F.lit(False))).count()
