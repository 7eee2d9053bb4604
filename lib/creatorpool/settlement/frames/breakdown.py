"""What each payee is booked of each pool and video: the lines of the journal about service days, taken apart."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.frames import matching
from creatorpool.settlement.frames.rights import payee_rows

_VIDEO = ("service_date", "video_id")
_STEP = ("entry_id", "category", "bound")


def settled_rows(earned: DataFrame, changes: DataFrame | None) -> DataFrame:
    """What is settled of several days: a row for each pool and video of each night and restatement, without zeros.

    Parameters
    ----------
    earned : DataFrame
        `frames.restatement.earned_rows` of the days, with `date`.
    changes : DataFrame or None
        Their rows of `payout_adjustments`; None if there are none.

    Returns
    -------
    DataFrame
        `service_date`, `video_id`, `creator_id`, `category`, `micros`, `bound`, and `sequence`: 0 for the night, then
        the number of the restatement.
    """
    columns = (F.col("date").alias("service_date"), "video_id", "creator_id", "category", "micros", "bound", "sequence")
    rows = earned.withColumn("sequence", F.lit(0).cast("bigint")).select(*columns)
    if changes is not None:
        rows = rows.unionByName(changes.withColumn("micros", F.col("change_micros")).select(*columns))
    return rows.where(F.col("micros") != 0)


def rows_of_payees(rows: DataFrame, rights: DataFrame | None, payees: Collection[str]) -> DataFrame:
    """`settled_rows` of the videos of which one of `payees` may have a part: their own, and those with their rights."""
    videos = matching(rows.select("video_id", "creator_id"), "creator_id", payees).select("video_id")
    if rights is not None:
        videos = videos.unionByName(matching(rights, "payee_id", payees).select("video_id"))
    return rows.join(videos.distinct(), "video_id", "left_semi")


def settled_steps(rows: DataFrame) -> DataFrame:
    """What is settled for each video of several days before and after each step: each pool of each booking.

    A video's money is divided as a whole, so that a pool's part of a payee is the difference that the pool makes: the
    bookings of a video follow one another, and in each its pools, by name. The parts of a payee sum to its line of the
    journal, and those of a pool to what the pool paid, to the micro.

    `rows` are all `settled_rows` of the videos; they are returned with `before_micros` and `after_micros`, and without
    `micros`.
    """
    so_far = Window.partitionBy(*_VIDEO).orderBy("sequence", "category")
    # As posting does: of the creators that the bookings so far name, the first.
    booked = Window.partitionBy(*_VIDEO).orderBy("sequence")
    after = F.sum("micros").over(so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    steps = rows.withColumns({"after_micros": after.cast("bigint"), "creator_id": F.min("creator_id").over(booked)})
    return steps.withColumn("before_micros", F.col("after_micros") - F.col("micros")).drop("micros")


def payee_parts(steps: DataFrame, entries: DataFrame, rights: DataFrame | None) -> DataFrame:
    """What payees are booked by `entries` of each pool and video.

    Parameters
    ----------
    steps : DataFrame
        `settled_steps` of the days of `entries`.
    entries : DataFrame
        A few rows: `entry_id`, `service_date` and `sequence`.
    rights : DataFrame or None
        The rows of `video_rights` by which the entries were divided.

    Returns
    -------
    DataFrame
        `payee_id`, `entry_id`, `category`, `video_id`, `bound`, `micros` and `share_ppm`, the payee's part of the video
        by rights, NULL where none stand; without zeros.
    """
    own = steps.join(F.broadcast(entries), ["service_date", "sequence"], "inner")
    parts = payee_rows(own, rights, _STEP, with_share=True).where(F.col("micros") != 0)
    return parts.select("payee_id", *_STEP, "video_id", "micros", "share_ppm")
