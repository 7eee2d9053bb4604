"""Counts of accepted, refused and warned rows."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import load_contract
from creatorpool.ingest.judging import JudgedRows
from creatorpool.ingest.outcomes import count_outcomes, tally

DAYS = [date(2026, 11, 19), date(2026, 11, 20)]


def test_outcomes_are_counted_by_day_and_rule_and_warnings_are_accepted() -> None:
    verdicts = [
        ("odd_surface", DAYS[0], 1),
        ("liked_not_null", DAYS[1], 1),
        ("odd_surface,liked_not_null,event_ts_not_null", None, 1),
    ]
    outcomes = tally({DAYS[0]: 1, DAYS[1]: 3, None: 1}, verdicts, {"odd_surface"})
    assert outcomes.accepted == {DAYS[0]: 1, DAYS[1]: 2}
    assert outcomes.broken == {"odd_surface": 2, "liked_not_null": 2, "event_ts_not_null": 1}
    assert (outcomes.quarantined, outcomes.rows) == (2, 5)


def test_judged_rows_are_counted_by_day_if_the_table_has_days(spark: SparkSession) -> None:
    names = "date date, failed_rules array<string>"
    rows = spark.createDataFrame([(DAYS[0], []), (DAYS[1], []), (DAYS[1], ["liked_not_null"])], names)
    broken = rows.where(F.size("failed_rules") > 0)
    judged = JudgedRows(rows, rows, F.size("failed_rules") == 0, broken, 1, ("event_id",))
    dated, undated = (count_outcomes(judged, load_contract(name)) for name in ("events", "viewers"))
    assert (dated.accepted, dated.quarantined) == ({DAYS[0]: 1, DAYS[1]: 1}, 1)
    assert (undated.accepted, undated.quarantined) == ({None: 2}, 1)
