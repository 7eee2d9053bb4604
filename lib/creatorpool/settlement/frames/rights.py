"""Divides the money of videos among their payees on the engine, as `settlement.rights.divided` does."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.settlement.rights import WHOLE_PPM

_VIDEO = ("service_date", "video_id", "creator_id")
"""Key of a video on a service day, with its creator"""


def payee_rows(
    amounts: DataFrame, rights: DataFrame | None, steps: Sequence[str] = (), *, with_share: bool = False
) -> DataFrame:
    """What each payee of each video is booked.

    Parameters
    ----------
    amounts : DataFrame
        One row per service day and video: `service_date`, `video_id`, `creator_id`, and `before_micros` and
        `after_micros`, at least 0 each, what is settled for the video before and after the booking.
    rights : DataFrame or None
        Rows of `video_rights`; None if the table does not exist. A row counts from its day on, by service day.
    steps : sequence of str, optional
        Further columns of the key of `amounts`, if a booking of a video has several rows, each a step of it.
    with_share : bool
        Whether `share_ppm` is returned, too: the payee's part of the video by rights, NULL where no rights stand.

    Returns
    -------
    DataFrame
        `service_date`, `video_id`, `creator_id`, `steps`, `payee_id` and `micros`: the payee's part of what is settled
        after, less its part of what is settled before. So what a series of bookings gives a payee does not depend on
        their steps.
    """
    change = (F.col("after_micros") - F.col("before_micros")).alias("micros")
    kept = (*_VIDEO, *steps)
    no_share = [F.lit(None).cast("bigint").alias("share_ppm")] if with_share else []
    undivided = [*map(F.col, kept), F.col("creator_id").alias("payee_id"), change, *no_share]
    if rights is None:
        return amounts.select(*undivided)
    videos = amounts.select(*_VIDEO).distinct() if steps else amounts.select(*_VIDEO)
    shares = _shares(_standing(videos, rights))
    alone = amounts.join(shares.select(*_VIDEO).distinct(), [*_VIDEO], "left_anti")
    whole = alone.select(*undivided)
    divided = amounts.join(shares, [*_VIDEO], "inner")
    for name in ("before", "after"):
        divided = _with_part(divided, name, kept)
    part = (F.col("after_part") - F.col("before_part")).alias("micros")
    share = ["share_ppm"] if with_share else []
    return whole.unionByName(divided.select(*kept, "payee_id", part, *share))


def _standing(videos: DataFrame, rights: DataFrame) -> DataFrame:
    """The shares that stand on the day of each video: of each payee the last row so far, unless its share is 0."""
    known = videos.join(rights.select("video_id", "payee_id", "share_ppm", "valid_from"), "video_id", "inner")
    last = Window.partitionBy(*_VIDEO, "payee_id").orderBy(F.col("valid_from").desc())
    placed = known.where(F.col("valid_from") <= F.col("service_date")).withColumn("place", F.row_number().over(last))
    return placed.where((F.col("place") == 1) & (F.col("share_ppm") > 0)).select(*_VIDEO, "payee_id", "share_ppm")


def _shares(standing: DataFrame) -> DataFrame:
    """`standing` with the rest of each video, which is its creator's."""
    given = standing.groupBy(*_VIDEO).agg(F.sum("share_ppm").alias("given"))
    rest = given.select(
        *_VIDEO, F.col("creator_id").alias("payee_id"), (F.lit(WHOLE_PPM) - F.col("given")).alias("share_ppm")
    )
    every = standing.unionByName(rest.where(F.col("share_ppm") > 0))
    return every.groupBy(*_VIDEO, "payee_id").agg(F.sum("share_ppm").cast("bigint").alias("share_ppm"))


def _with_part(rows: DataFrame, name: str, key: Sequence[str]) -> DataFrame:
    """`rows` with `<name>_part`, the payee's part of `<name>_micros` of the row with `key`."""
    amount = f"{name}_micros"
    remainder = F.expr(f"(({amount} % {WHOLE_PPM}) * share_ppm) % {WHOLE_PPM}")
    rows = rows.withColumns({"floored": part_of(amount, "share_ppm"), "left": remainder})
    video = Window.partitionBy(*key)
    place = F.row_number().over(video.orderBy(F.col("left").desc(), F.col("payee_id")))
    rows = rows.withColumns({"place": place, "over": F.col(amount) - F.sum("floored").over(video)})
    raised = F.when(F.col("place") <= F.col("over"), F.lit(1)).otherwise(F.lit(0)).cast("bigint")
    return rows.withColumn(f"{name}_part", F.col("floored") + raised).drop("floored", "left", "place", "over")


def part_of(micros: str, share_ppm: str) -> Column:
    """The whole micros of a share of an amount of at least 0; both are named columns.

    Whole units and the rest are multiplied apart: the product of micros and parts per million could overflow a BIGINT.
    """
    whole = f"({micros} div {WHOLE_PPM}) * {share_ppm}"
    return F.expr(f"CAST({whole} + (({micros} % {WHOLE_PPM}) * {share_ppm}) div {WHOLE_PPM} AS BIGINT)")
