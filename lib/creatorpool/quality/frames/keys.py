"""Numeric keys in place of ids for the grouping of a day's events, which takes a third of the time of text ids.

A key is a 64-bit hash, so that two ids could have the same key. `pair_keys` checks that first. If keys clash, the ids
are used themselves: the result is the same, but slower.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class PairKeys:
    """The keys of `viewer_id` and `video_id`, as expressions over a frame that has these columns."""

    viewer: Column
    video: Column


def pair_keys(viewers: DataFrame, videos: DataFrame) -> PairKeys:
    """Keys that are distinct for all `viewers` and for all `videos`; one query checks both tables.

    An id that is in neither table clashes with each row of a table with a chance of one in 2⁶⁴. Ingestion accepts only
    events whose ids are in the tables.
    """
    rows = _rows_and_keys(viewers, "viewer_id").crossJoin(_rows_and_keys(videos, "video_id")).collect()
    viewer_rows, viewer_keys, video_rows, video_keys = rows[0]
    if (viewer_rows, video_rows) == (viewer_keys, video_keys):
        return PairKeys(hashed("viewer_id"), hashed("video_id"))
    return PairKeys(F.col("viewer_id"), F.col("video_id"))


def hashed(column: str) -> Column:
    """The 64-bit hash of `column`, as its key within one plan; engines differ in it, so that it is never stored."""
    return F.xxhash64(column)


def _rows_and_keys(dimension: DataFrame, column: str) -> DataFrame:
    return dimension.agg(F.count("*").alias(f"{column}_rows"), F.count_distinct(hashed(column)).alias(f"{column}_keys"))
