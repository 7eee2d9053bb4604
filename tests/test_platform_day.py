"""The day of a moment, as the engines compute it, is that of Python's clocks, at every change of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.platform_day import day_begins, day_expression

SECOND = timedelta(seconds=1)
ZONES = (
    *("UTC", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "Asia/Tokyo"),
    *("Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Pacific/Kiritimati"),
)


def test_days_of_a_clock_change_have_23_or_25_hours() -> None:
    def hours(day: date, zone: str) -> float:
        begins, ends = (day_begins(one, zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
        return (ends - begins) / timedelta(hours=1)

    assert hours(date(2026, 3, 29), "Europe/Berlin") == 23
    assert hours(date(2026, 10, 25), "Europe/Berlin") == 25
    assert hours(date(2026, 10, 4), "Australia/Lord_Howe") == 23.5
    assert day_begins(date(2026, 11, 20), "America/Los_Angeles") == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_day_changes_at_local_midnight_whatever_the_clocks_do(spark: SparkSession, zone: str) -> None:
    # Around every local midnight of a year with two clock changes, of one without midnight in Brazil, and where
    # Samoa left out a day.
    firsts = (date(2026, 1, 1), date(2017, 1, 1), date(2011, 1, 1))
    midnights = [day_begins(first + timedelta(days=n), zone).astimezone(UTC) for first in firsts for n in range(366)]
    moments = [moment + step for moment in midnights for step in (-SECOND, timedelta(0), SECOND)]
    rows = spark.createDataFrame([(moment,) for moment in moments], "event_ts timestamp")

    found = rows.select("event_ts", F.expr(day_expression("event_ts", zone)).alias("day")).collect()

    assert {(row["event_ts"].replace(tzinfo=None), row["day"]) for row in found} == {
        (moment.replace(tzinfo=None), moment.astimezone(ZoneInfo(zone)).date()) for moment in moments
    }


def test_moments_at_the_ends_of_the_calendar_have_a_day(spark: SparkSession) -> None:
    texts = ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
    rows = spark.createDataFrame([(text,) for text in (*texts, None)], "text string")
    moments = rows.select(F.col("text").cast("timestamp").alias("event_ts"))

    for zone in ("America/Los_Angeles", "Pacific/Kiritimati"):
        days = [row[0] for row in moments.select(F.expr(day_expression("event_ts", zone))).collect()]
        assert sorted(days, key=str) == [date(1, 1, 1), date(9999, 12, 31), None]
