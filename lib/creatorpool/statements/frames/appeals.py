"""The appeals that concern payees."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import matching

COLUMNS = ("appeal_id", "subject_kind", "subject_id", "service_date", "received_on", "decision", "decided_on")
"""Columns of `appeals` that statements name; what an appeal says is not among them"""


def appeals_of_payees(appeals: DataFrame, videos: DataFrame, payees: Collection[str] | None = None) -> DataFrame:
    """Appeals that concern `payees` (default: all), with `payee_id`: the subject, or the creator of a video.

    Parameters
    ----------
    appeals, videos : DataFrame
        Rows of the tables.

    Returns
    -------
    DataFrame
        `payee_id` and `COLUMNS`.
    """
    is_video = F.col("subject_kind") == "video"
    own = appeals.where(~is_video).withColumn("payee_id", F.col("subject_id"))
    creators = videos.select(F.col("video_id").alias("subject_id"), F.col("creator_id").alias("payee_id"))
    of_videos = appeals.where(is_video).join(creators, "subject_id", "inner")
    rows = own.select("payee_id", *COLUMNS).unionByName(of_videos.select("payee_id", *COLUMNS))
    return rows if payees is None else matching(rows, "payee_id", payees)
