"""Counts of accepted, refused and warned rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.outcomes import count_outcomes

EVENTS = load_contract("events")
DAYS = [date(2026, 11, 19), date(2026, 11, 20)]


def test_outcomes_are_counted_by_day_and_rule_and_warnings_are_accepted(spark: SparkSession) -> None:
    harmless = replace(EVENTS.row_rules[0], name="odd_surface", severity="warning")
    contract = replace(EVENTS, row_rules=(*EVENTS.row_rules, harmless))
    verdicts = [
        (DAYS[1], []),
        (DAYS[1], []),
        (DAYS[0], ["odd_surface"]),
        (DAYS[1], ["liked_not_null"]),
        (None, ["odd_surface", "liked_not_null", "event_ts_not_null"]),
    ]
    outcomes = count_outcomes(spark.createDataFrame(verdicts, "date date, failed_rules array<string>"), contract)
    assert outcomes.accepted == {DAYS[0]: 1, DAYS[1]: 2}
    assert outcomes.broken == {"odd_surface": 2, "liked_not_null": 2, "event_ts_not_null": 1}
    assert (outcomes.quarantined, outcomes.rows) == (2, 5)


def test_outcomes_of_a_table_without_days_come_under_none(spark: SparkSession) -> None:
    rows = spark.createDataFrame([([],), ([],), (["x"],)], "failed_rules array<string>")
    outcomes = count_outcomes(rows, load_contract("viewers"))
    assert (outcomes.accepted, outcomes.quarantined) == ({None: 2}, 1)
