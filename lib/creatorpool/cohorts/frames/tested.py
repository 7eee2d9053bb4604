"""Entrants with a finished test: successes, discounted mass, and exposure after the test."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.cohorts.columns import PROXY_UNIT, TERMS, TOTALS_AFTER_TEST, UNIT
from creatorpool.cohorts.frames.views import PERIOD_MICROS, discounted_units, views_after_test
from creatorpool.expressions import require_computable
from creatorpool.platform_day import day_begins, day_expression
from creatorpool.settings import IncentiveSettings


def entered_within(entrants: DataFrame, first: date, last: date, timezone: str) -> DataFrame:
    """Entrants who entered on the days `first` to `last`, both included, by the clocks of `timezone`."""
    day = F.expr(day_expression("entered_at", timezone))
    return entrants.where(day.between(F.lit(first), F.lit(last)))


def finished_entrants(slots: DataFrame, entrants: DataFrame, delta: float) -> DataFrame:
    """One row per entrant whose slots 1 … n were all delivered.

    `slots` comes from `delivered_slots`, `entrants` follows its contract. Adds `proxy` (in `PROXY_UNIT`), `successes`,
    `passed`, `mass` (Σ δ^period, in `UNIT`) and `finished_at`.
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
    tested: DataFrame, views: DataFrame, settings: IncentiveSettings, days: tuple[date, date], timezone: str
) -> DataFrame:
    """Add `TOTALS_AFTER_TEST`, `is_followed` and `is_late`.

    An entrant is followed if the whole horizon ended by the end of the last of `days` (first, last), by the clocks of
    `timezone`. The time in which followed entrants could enter is cut into two equal halves; entrants of the second
    half are late.

    Raises
    ------
    ConfigurationError
        If the engine cannot compute `incentives.replay_target` over the columns of `views`.
    """
    key = settings.with_origin("replay_target", "incentives.replay_target")
    require_computable(views, key, settings.replay_target, "double")
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
    start, end = (_midnight_micros(day, timezone) for day in (days[0], days[1] + timedelta(days=1)))
    return (
        tested.join(totals, on="creator_id", how="left")
        .fillna(0, subset=list(TOTALS_AFTER_TEST))  # entrants without impressions after the test
        .withColumn("is_followed", entered <= F.lit(end - horizon))
        .withColumn("is_late", entered >= F.lit((start + end - horizon) // 2))
    )


def _midnight_micros(day: date, timezone: str) -> int:
    """The moment at which `day` begins in `timezone`, in microseconds of Unix time."""
    return round(day_begins(day, timezone).timestamp()) * 1_000_000
