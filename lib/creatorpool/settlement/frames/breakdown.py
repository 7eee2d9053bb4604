"""What each payee is booked of each pool and video: the lines of the journal about service days, taken apart."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.frames import matching
from creatorpool.settlement.frames.rights import payee_rows

_VIDEO = ("service_date", "video_id")
_STEP = ("entry_id", "category", "bound")


def settled_steps(earned: DataFrame, changes: DataFrame | None) -> DataFrame:
    """What is settled for each video of several days before and after each step: each pool of each booking.

    A video's money is divided as a whole, so that a pool's part of a payee is the difference that the pool makes: the
    bookings of a video follow one another, and in each its pools, by name. The parts of a payee sum to its line of the
    journal, and those of a pool to what the pool paid, to the micro.

    Parameters
    ----------
    earned : DataFrame
        `frames.restatement.earned_rows` of the days, with `date`.
    changes : DataFrame or None
        Their rows of `payout_adjustments`; None if there are none.

    Returns
    -------
    DataFrame
        `service_date`, `video_id`, `creator_id`, `sequence` (0 for the night, then the number of the restatement),
        `category`, `bound`, `before_micros` and `after_micros`.
    """
    nothing = F.lit(0).cast("bigint")
    columns = (F.col("date").alias("service_date"), "video_id", "creator_id", "category", "micros", "bound", "sequence")
    rows = earned.withColumn("sequence", nothing).select(*columns)
    if changes is not None:
        named = {"micros": F.col("change_micros"), "bound": F.lit(None).cast("string")}
        rows = rows.unionByName(changes.withColumns(named).select(*columns))
    so_far = Window.partitionBy(*_VIDEO).orderBy("sequence", "category")
    # As posting does: of the creators that the bookings so far name, the first.
    booked = Window.partitionBy(*_VIDEO).orderBy("sequence")
    after = F.sum("micros").over(so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    steps = rows.where(F.col("micros") != 0).withColumns(
        {"after_micros": after.cast("bigint"), "creator_id": F.min("creator_id").over(booked)}
    )
    return steps.withColumn("before_micros", F.col("after_micros") - F.col("micros")).drop("micros")


def payee_parts(
    steps: DataFrame, entries: DataFrame, rights: DataFrame | None, payees: Collection[str] | None = None
) -> DataFrame:
    """What payees are booked by `entries` of each pool and video.

    Parameters
    ----------
    steps : DataFrame
        `settled_steps` of the days of `entries`.
    entries : DataFrame
        A few rows: `entry_id`, `service_date` and `sequence`.
    rights : DataFrame or None
        The rows of `video_rights` by which the entries were divided.
    payees : collection of str, optional
        Only these payees.

    Returns
    -------
    DataFrame
        `payee_id`, `entry_id`, `category`, `video_id`, `bound` and `micros`, without zeros.
    """
    own = steps.join(F.broadcast(entries), ["service_date", "sequence"], "inner")
    if payees is not None:
        own = own.join(_videos_of(own, rights, payees), "video_id", "left_semi")
    parts = payee_rows(own, rights, _STEP).where(F.col("micros") != 0)
    parts = parts.select("payee_id", *_STEP, "video_id", "micros")
    return parts if payees is None else matching(parts, "payee_id", payees)


def _videos_of(steps: DataFrame, rights: DataFrame | None, payees: Collection[str]) -> DataFrame:
    """Videos (`video_id`) of which one of `payees` may have a part: their own, and those in which they have rights."""
    created = matching(steps, "creator_id", payees).select("video_id")
    given = None if rights is None else matching(rights, "payee_id", payees).select("video_id")
    return (created if given is None else created.unionByName(given)).distinct()
