"""Entrants with a finished test: successes, discounted mass, and exposure afterwards."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.cohorts.columns import AFTER, PROXY_UNIT, TERMS, UNIT
from creatorpool.cohorts.frames.views import PERIOD_MICROS, discounted_units, views_after_test
from creatorpool.expressions import require_computable
from creatorpool.settings import IncentiveSettings


def entered_within(entrants: DataFrame, first: date, last: date) -> DataFrame:
    """Entrants who entered on days `first` to `last`."""
    day = F.to_date("entered_at")
    return entrants.where(day.between(F.lit(first), F.lit(last)))


def finished_entrants(slots: DataFrame, entrants: DataFrame, delta: float) -> DataFrame:
    """One row per entrant whose slots 1 … n were all delivered: contract `entrants` and `delivered_slots` in.

    Adds `proxy` (in `PROXY_UNIT`), `successes`, `passed`, `mass` (Σ δ^period, in units) and `finished_at`.
    """
    totals = slots.groupBy("creator_id").agg(
        F.count("*").alias("delivered"),
        F.sum("succeeded").cast("int").alias("successes"),
        F.sum(discounted_units(delta)).alias("mass"),
        F.max("event_ts").alias("finished_at"),
    )
    return (
        entrants.join(totals, on="creator_id", how="inner")
        .where(F.col("delivered") == F.col("window_n"))
        .withColumn("passed", F.col("successes") >= F.col("threshold_k"))
        .withColumn("proxy", F.floor(F.col("quality_proxy") * F.lit(float(PROXY_UNIT)) + F.lit(0.5)).cast("bigint"))
        .select("creator_id", "entered_at", *TERMS, "proxy", "successes", "passed", "mass", "finished_at")
    )


def with_exposure(
    tested: DataFrame, views: DataFrame, settings: IncentiveSettings, days: tuple[date, date]
) -> DataFrame:
    """Add the totals `AFTER`, `is_followed` and `is_late`.

    Followed is an entrant whose whole horizon was over by the end of the last of `days`; late, one of the second of two
    adjacent cohorts, into which the days when followed entrants could enter are cut.
    """
    require_computable(views, "incentives.replay_target", settings.replay_target, "double")
    is_logged = F.col("propensity").isNotNull()
    weight = F.when(is_logged, F.expr(settings.replay_target).cast("double") / F.col("propensity"))
    after = views_after_test(views, tested, settings.horizon_days).withColumn("per_shown", weight)
    totals = after.groupBy("creator_id").agg(
        F.sum(discounted_units(settings.delta)).alias("exposure"),
        F.sum(discounted_units(settings.delta, F.col("per_shown"))).alias("weighted"),
        F.sum(F.floor(F.col("per_shown") * UNIT + F.lit(0.5)).cast("bigint")).alias("weight"),
        F.count("*").alias("shown"),
        F.sum(F.col("per_shown").isNull().cast("int")).alias("unlogged"),
    )
    entered, horizon = F.unix_micros("entered_at"), settings.horizon_days * PERIOD_MICROS
    start, end = (_midnight_micros(day) for day in (days[0], days[1] + timedelta(days=1)))
    return (
        tested.join(totals, on="creator_id", how="left")
        .fillna(0, subset=list(AFTER))  # an entrant who was not shown again
        .withColumn("is_followed", entered <= F.lit(end - horizon))
        .withColumn("is_late", entered >= F.lit((start + end - horizon) // 2))
    )


def _midnight_micros(day: date) -> int:
    return (day - date(1970, 1, 1)).days * PERIOD_MICROS
