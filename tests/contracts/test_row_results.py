"""Row rules counted in one job."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from creatorpool.contracts import RowRule
from creatorpool.contracts.conformance import conform
from creatorpool.contracts.row_results import row_rule_results
from creatorpool.contracts.row_rules import with_failed_rules

from .sample_contract import COLUMNS, sample_contract


def test_row_rule_results_count_each_rule_and_show_the_first_key(spark: SparkSession, tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    rows = [("cyd", -1, 0.5, 0), ("bob", 11, None, 0), ("ann", 30, 0.5, 0), ("dan", 8, 0.5, 0)]
    known = RowRule("worker_known", "worker <> 'dan'", "error", "Load the worker first.")
    flagged = with_failed_rules(spark.createDataFrame(rows, COLUMNS), contract, [known])
    results = {result.rule: result for result in row_rule_results(flagged, contract, "run-1", [known])}
    assert {name: result.rows_failed for name, result in results.items()} == {
        "worker_not_null": 0,
        "worker_min_length": 0,
        "worker_printable": 0,
        "hours_not_null": 0,
        "hours_in_range": 2,
        "rating_finite": 0,
        "rating_in_range": 0,
        "paid_for_hours": 0,
        "usual_hours": 2,
        "worker_known": 1,
    }
    broken = results["hours_in_range"]
    assert (broken.contract, broken.run_id, broken.severity, broken.passed) == ("sample", "run-1", "error", False)
    assert (broken.rows_checked, broken.example) == (4, '{"worker":"ann"}')
    assert results["rating_finite"].example is None
    assert results["rating_finite"].passed


def test_row_rule_results_of_conformed_rows_count_unreadable_values(spark: SparkSession, tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    text = spark.createDataFrame(
        [("ann", "8", "x", "1"), ("bob", "8", "", "y")], "worker string, hours string, rating string, paid string"
    )
    flagged = with_failed_rules(conform(text, contract), contract)
    found = {result.rule: result.rows_failed for result in row_rule_results(flagged, contract, "run-1")}
    assert {rule for rule, count in found.items() if count} == {"rating_readable", "paid_readable"}
    assert found["worker_readable"] == 0


def test_row_rule_results_of_no_rows_pass(spark: SparkSession, tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    flagged = with_failed_rules(spark.createDataFrame([], COLUMNS), contract)
    assert {(r.passed, r.rows_checked) for r in row_rule_results(flagged, contract, "run-1")} == {(True, 0)}
