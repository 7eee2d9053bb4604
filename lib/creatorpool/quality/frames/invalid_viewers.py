"""Leaves out the events of viewers that are known to be invalid, such as fake ones."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def without_invalid(events: DataFrame, invalid_viewers: DataFrame, day: date) -> DataFrame:
    """One day's `events` without those of viewers of whom a row of `invalid_viewers` covers `day`."""
    begun = F.col("from_date") <= F.lit(day)
    lasting = F.col("until_date").isNull() | (F.col("until_date") >= F.lit(day))
    invalid = invalid_viewers.where(begun & lasting).select("viewer_id").distinct()
    return events.join(invalid, "viewer_id", "left_anti").select(*events.columns)
