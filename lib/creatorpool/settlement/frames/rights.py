"""Divides the money of videos among their payees on the engine, as `settlement.rights.divided` does."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.settlement.rights import WHOLE_PPM


def payee_rows(amounts: DataFrame, rights: DataFrame | None, day: date) -> DataFrame:
    """What each payee of each video is booked for service day `day`.

    Parameters
    ----------
    amounts : DataFrame
        One row per video: `video_id`, `creator_id`, and `before_micros` and `after_micros`, at least 0 each, what is
        settled for the video before and after the booking.
    rights : DataFrame or None
        Rows of `video_rights`; None if the table does not exist.

    Returns
    -------
    DataFrame
        `video_id`, `creator_id`, `payee_id` and `micros`: the payee's part of what is settled after, less its part of
        what is settled before. So what a series of bookings gives a payee does not depend on their steps.
    """
    change = (F.col("after_micros") - F.col("before_micros")).alias("micros")
    if rights is None:
        return amounts.select("video_id", "creator_id", F.col("creator_id").alias("payee_id"), change)
    shares = _shares(amounts, _standing(rights, day))
    alone = amounts.join(shares.select("video_id").distinct(), "video_id", "left_anti")
    whole = alone.select("video_id", "creator_id", F.col("creator_id").alias("payee_id"), change)
    divided = amounts.join(shares, "video_id", "inner")
    for name in ("before", "after"):
        divided = _with_part(divided, name)
    part = (F.col("after_part") - F.col("before_part")).alias("micros")
    return whole.unionByName(divided.select("video_id", "creator_id", "payee_id", part))


def _standing(rights: DataFrame, day: date) -> DataFrame:
    """The shares that stand on `day`: of each video and payee the last row so far, unless its share is 0."""
    of_payee = Window.partitionBy("video_id", "payee_id").orderBy(F.col("valid_from").desc())
    known = rights.where(F.col("valid_from") <= F.lit(day)).withColumn("position", F.row_number().over(of_payee))
    return known.where((F.col("position") == 1) & (F.col("share_ppm") > 0)).select("video_id", "payee_id", "share_ppm")


def _shares(amounts: DataFrame, standing: DataFrame) -> DataFrame:
    """`video_id`, `payee_id` and `share_ppm` of all payees of the videos with rights, the creator's rest included."""
    own = amounts.select("video_id", "creator_id").join(standing, "video_id", "inner")
    given = own.groupBy("video_id", "creator_id").agg(F.sum("share_ppm").alias("given"))
    rest = given.select(
        "video_id", F.col("creator_id").alias("payee_id"), (F.lit(WHOLE_PPM) - F.col("given")).alias("share_ppm")
    )
    every = standing.join(amounts.select("video_id"), "video_id", "left_semi").unionByName(
        rest.where(F.col("share_ppm") > 0)
    )
    return every.groupBy("video_id", "payee_id").agg(F.sum("share_ppm").cast("bigint").alias("share_ppm"))


def _with_part(rows: DataFrame, name: str) -> DataFrame:
    """`rows` with `<name>_part`, the payee's part of `<name>_micros`."""
    amount = f"{name}_micros"
    remainder = F.expr(f"(({amount} % {WHOLE_PPM}) * share_ppm) % {WHOLE_PPM}")
    rows = rows.withColumns({"floored": part_of(amount, "share_ppm"), "left": remainder})
    video = Window.partitionBy("video_id")
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
