"""Rules that depend on the run and on other tables."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import load_contract
from creatorpool.contracts.row_rules import broken_names
from creatorpool.ingest.rules import day_rule, known_rule, only_unreadable, tier_rule, window_rule, with_known


def test_window_rule_accepts_the_day_and_the_days_of_the_window_before(spark: SparkSession) -> None:
    days = [date(2026, 11, day) for day in (17, 18, 20, 21)]
    rows = spark.createDataFrame([(day, datetime(2026, 11, 1)) for day in days], "date date, event_ts timestamp")
    rows = rows.unionByName(spark.createDataFrame([(None, None)], rows.schema))
    names = broken_names([window_rule(date(2026, 11, 20), 2)])
    found = {row[0]: list(row[1]) for row in rows.select("date", names).collect()}
    outside = ["event_ts_in_window"]
    # Another rule covers a missing time.
    assert found == {days[0]: outside, days[1]: [], days[2]: [], days[3]: outside, None: []}


def test_day_rule_takes_the_day_by_the_clocks_of_the_zone(spark: SparkSession) -> None:
    moment = datetime(2026, 11, 20, 3)
    rows = spark.createDataFrame([(date(2026, 11, day), moment) for day in (19, 20)], "date date, event_ts timestamp")
    for zone, good in (("America/New_York", 19), ("UTC", 20), ("Asia/Tokyo", 20)):
        found = {row[0].day: list(row[1]) for row in rows.select("date", broken_names([day_rule(zone)])).collect()}
        assert [day for day, broken in found.items() if not broken] == [good], zone


def test_tier_rule_accepts_any_configured_names(spark: SparkSession) -> None:
    tiers = ["verified", "it's", 'the "best"', "back\\slash", "größer"]
    given = [*tiers, "Verified", "its", "celebrity", ""]
    rows = spark.createDataFrame([(tier,) for tier in given], "trust_tier string")
    found = rows.select("trust_tier", broken_names([tier_rule(tiers)])).collect()
    assert {row[0] for row in found if not row[1]} == set(tiers)


def test_known_rule_marks_what_the_dimension_lacks_once(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a",), ("a",), ("z",), (None,)], "viewer_id string")
    viewers = spark.createDataFrame([("a",), ("b",)], "viewer_id string")
    found = with_known(rows, viewers, "viewer_id").select("viewer_id", broken_names([known_rule("viewer_id")]))
    assert sorted(((row[0], list(row[1])) for row in found.collect()), key=str) == [
        ("a", []),
        ("a", []),
        ("z", ["viewer_known"]),
        (None, []),
    ]


def test_only_unreadable_names_one_rule_where_nothing_was_read(spark: SparkSession) -> None:
    contract = load_contract("viewers")
    columns = "viewer_id string, trust_tier string, region string, valid_from timestamp, failed_rules array<string>"
    wanting = ["viewer_id_not_null", "trust_tier_not_null", "valid_from_not_null"]
    uncast = ["valid_from_readable", *wanting]
    rows = [(None, None, None, None, wanting), (None, None, None, None, uncast), (None, None, "west", None, wanting)]
    found = only_unreadable(spark.createDataFrame(rows, columns), contract).select(F.col("failed_rules")).collect()
    assert sorted(list(row[0]) for row in found) == sorted([["row_readable"], uncast, wanting])
