"""Coverage of one day's quality, and the signals that lower it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.quality.coverage import Coverage
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.settings import Settings


def day_coverage(signals: DataFrame, quality: DataFrame, settings: Settings) -> Coverage:
    """Count the compliant videos of a day, those that are rated, and those at which each signal is 0.

    `signals` hold the custom signals as they entered the score; one that they lack is left out.
    """
    custom = [name for name in sorted(settings.signals.custom) if name in signals.columns]
    rows = quality.where("is_compliant").select("video_id", "quality_score", *COMPONENT_NAMES)
    if custom:
        rows = rows.join(signals.select("video_id", *custom), on="video_id", how="inner")  # video_id is the key of both
    exponents = settings.signals.exponents()
    weighed = [name for name in (*COMPONENT_NAMES, *custom) if exponents[name] > 0]
    counts = rows.agg(
        F.count("*").alias("compliant"),
        _count(F.col("quality_score") > 0).alias("rated"),
        *(_count(F.col(name) == 0).alias(name) for name in weighed),
    ).collect()[0]
    at_zero = {name: counts[name] for name in weighed}
    return Coverage(counts["compliant"], counts["rated"], at_zero, settings.quality.is_smoothed)


def _count(condition: Column) -> Column:
    return F.count(F.when(condition, 1))
