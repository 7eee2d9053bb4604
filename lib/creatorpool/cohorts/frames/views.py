"""Entrants' views: those of the guaranteed test, and those that the ranking engine gives afterwards."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.cohorts.columns import UNIT

PERIOD_MICROS = 86_400_000_000
"""A period is 24 hours from entry: 0 is the first."""


def discounted_units(delta: float, weight: Column | None = None) -> Column:
    """``δ^period``, times `weight` where given, in whole units."""
    value = F.pow(F.lit(delta), F.col("period").cast("double")) * F.lit(float(UNIT))
    return F.floor((value if weight is None else value * weight) + F.lit(0.5)).cast("bigint")


def entrant_views(events: DataFrame, videos: DataFrame, entrants: DataFrame) -> DataFrame:
    """One row per view of an entrant's video from entry on: `events` with `creator_id`, `length_ms` and `period`."""
    terms = entrants.select("creator_id", "entered_at", "window_n")
    # creator_id is the key of entrants, video_id of videos: no view comes twice.
    owned = videos.select("video_id", "creator_id", "length_ms").join(terms, on="creator_id", how="inner")
    seen = events.join(owned, on="video_id", how="inner").where(F.col("event_ts") >= F.col("entered_at"))
    micros = F.unix_micros("event_ts") - F.unix_micros("entered_at")
    return seen.withColumn("micros", micros).withColumn("period", F.expr(f"micros div {PERIOD_MICROS}")).drop("micros")


def delivered_slots(views: DataFrame, success: str) -> DataFrame:
    """One row per (`creator_id`, `test_slot`) delivered: `succeeded` by the SQL rule `success`, when, and its period.

    Of a slot that was logged twice the earlier event counts; slots beyond the entrant's window are no part of the test.
    """
    rule = F.coalesce(F.expr(success).cast("boolean"), F.lit(False)).cast("int")
    in_window = views.where(F.col("test_slot").between(F.lit(1), F.col("window_n")))
    first = F.min(F.struct("event_ts", "event_id", rule.alias("succeeded"), "period")).alias("first")
    return (
        in_window.groupBy("creator_id", "test_slot")
        .agg(first)
        .select("creator_id", "test_slot", "first.succeeded", "first.event_ts", "first.period")
    )


def views_after_test(views: DataFrame, finished: DataFrame, horizon_days: int) -> DataFrame:
    """Views outside the test, after its last slot and less than `horizon_days` after entry.

    `finished` holds one row per entrant with a finished test: `creator_id`, `finished_at`.
    """
    others = views.where(F.col("test_slot").isNull() & (F.col("period") < F.lit(horizon_days)))
    ends = finished.select("creator_id", "finished_at")
    return others.join(ends, on="creator_id", how="inner").where(F.col("event_ts") > F.col("finished_at"))
