"""Checks of whole tables by great-expectations, on the engine under test."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.contracts import Contract, RowRule, TableRule, load_contract, load_contracts
from creatorpool.contracts.schema import with_new_columns
from creatorpool.contracts.suite import build_suite, validate_table
from creatorpool.errors import ContractError, TableGuardError

from .sample_contract import COLUMNS, line_of, sample_contract

DAY = dt.date(2026, 11, 20)
REVENUE = "date date, category string, placement string, video_id string, revenue_micros bigint, currency string"


@pytest.fixture
def revenue() -> Contract:
    return load_contract("ad_revenue")


def booked(spark: SparkSession, rows: list[tuple[Any, ...]], contract: Contract) -> DataFrame:
    """Revenue that was not converted."""
    return with_new_columns(spark.createDataFrame(rows, REVENUE), contract)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections beyond this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test reached for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture
def jobs(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the frame methods that started a job."""
    started: list[str] = []
    frame = type(spark.range(1))
    for name in ("collect", "count", "toArrow", "toPandas", "head", "take", "first"):
        method = getattr(frame, name)

        def counted(self: DataFrame, *args: object, _method=method, _name=name, **kwargs: object) -> object:
            started.append(_name)
            return _method(self, *args, **kwargs)

        monkeypatch.setattr(frame, name, counted)
    return started


@pytest.mark.parametrize("one_job", [False, True])
def test_validate_table_of_good_revenue_passes_every_rule_in_few_jobs(
    spark: SparkSession,
    revenue: Contract,
    jobs: list[str],
    no_network: None,
    capfd: pytest.CaptureFixture[str],
    one_job: bool,
) -> None:
    rows = [(DAY, "art", "non_pulse", None, 10**9, "EUR"), (DAY, "art", "pulse", "v1", 10**15, "EUR")]
    results = validate_table(booked(spark, rows, revenue), revenue, "run-1", one_job=one_job)
    assert [result.rule for result in results] == [rule.name for rule in revenue.rules]
    assert {(result.passed, result.rows_checked, result.rows_failed, result.example) for result in results} == {
        (True, 2, 0, None)
    }
    assert jobs == ["collect"] * (1 if one_job else 2)  # all aggregates, and the repeated keys
    assert "it/s" not in capfd.readouterr().err  # no progress bars


@pytest.mark.parametrize("one_job", [False, True])
def test_validate_table_of_bad_revenue_counts_and_shows_what_broke_each_rule(
    spark: SparkSession, revenue: Contract, jobs: list[str], one_job: bool
) -> None:
    rows = [
        (DAY, "art", "non_pulse", None, 10**9, "EUR"),
        (DAY, "art", "non_pulse", None, -5, "USD"),
        (DAY, " ", "banner", None, 10**15 + 1, "usd"),
        (DAY, "art", "pulse", None, None, "EUR"),
    ]
    results = validate_table(booked(spark, rows, revenue), revenue, "run-1", one_job=one_job)
    assert {r.rule: (r.rows_failed, r.example) for r in results if not r.passed} == {
        "category_min_length": (1, '{"date":"2026-11-20","category":" ","placement":"banner"}'),
        "revenue_micros_not_null": (1, '{"date":"2026-11-20","category":"art","placement":"pulse"}'),
        "sign_fits_placement": (
            1,
            '{"date":"2026-11-20","category":"art","placement":"non_pulse","revenue_micros":-5}',
        ),
        "revenue_micros_in_range": (
            1,
            '{"date":"2026-11-20","category":" ","placement":"banner","revenue_micros":1000000000000001}',
        ),
        "currency_pattern": (1, '{"date":"2026-11-20","category":" ","placement":"banner","currency":"usd"}'),
        "placement_known": (1, '{"date":"2026-11-20","category":" ","placement":"banner"}'),
        "video_iff_pulse": (1, '{"date":"2026-11-20","category":"art","placement":"pulse"}'),
        "one_currency": (1, "EUR and usd"),
        "key_unique": (1, '{"date":"2026-11-20","category":"art","placement":"non_pulse"}'),
    }
    assert {result.rows_checked for result in results} == {4}
    # All aggregates, two queries for repeated keys; then the examples, and a query for the key's example.
    assert len(jobs) <= 6


def test_validate_table_finds_conversions_that_are_not_whole(spark: SparkSession, revenue: Contract) -> None:
    row = (DAY, "art", "non_pulse", None)
    good = [(*row, 5, "USD", None, None, None), (*row, 5, "USD", 4, "EUR", "1.3"), (*row, 0, "USD", 1, "GBP", "0.1")]
    bad = [
        (*row, 5, "USD", 5, "USD", "1"),
        (*row, 5, "USD", 4, "CHF", None),
        (*row, 5, "USD", None, "JPY", "1.3"),
        (*row, 5, "USD", -4, "SEK", "1.3"),
        (DAY, "sport", "non_pulse", None, 5, "USD", None, None, "1.3"),
    ]
    schema = f"{REVENUE}, original_amount_micros bigint, original_currency string, fx_rate string"
    for rows, failed in ((good, 0), ([*good, *bad], len(bad))):
        results = validate_table(spark.createDataFrame(rows, schema), revenue, "run-1")
        assert {r.rule: r.rows_failed for r in results if not r.passed} == (
            {"conversion_complete": failed} if failed else {}
        )


def test_validate_table_sums_money_beyond_bigint(spark: SparkSession, revenue: Contract) -> None:
    largest = 10**15
    df = spark.range(4001).selectExpr(
        "DATE '2026-11-20' AS date",
        "concat('c', id) AS category",
        "'non_pulse' AS placement",
        "CAST(NULL AS STRING) AS video_id",
        f"{largest}L AS revenue_micros",
        "'EUR' AS currency",
    )
    (broken,) = [
        result for result in validate_table(with_new_columns(df, revenue), revenue, "run-1") if not result.passed
    ]
    assert (broken.rule, broken.example) == ("total_fits", str(4001 * largest))


def test_validate_table_of_empty_day_breaks_only_not_empty(spark: SparkSession, revenue: Contract) -> None:
    results = validate_table(booked(spark, [], revenue), revenue, "run-1")
    (broken,) = [result for result in results if not result.passed]
    assert (broken.rule, broken.rows_checked, broken.rows_failed, broken.example) == ("not_empty", 0, 1, "0")


def test_validate_table_of_quarantining_contract_checks_warnings_and_the_table(
    spark: SparkSession, tmp_path: Path
) -> None:
    contract = sample_contract(tmp_path)
    df = spark.createDataFrame([("ann", 12, 0.5, 1), ("ann", 8, 0.5, 1), ("ann", 8, 0.5, 1)], COLUMNS)
    results = validate_table(df, contract, "run-1")
    assert [(r.rule, r.severity, r.rows_failed, r.example) for r in results] == [
        ("usual_hours", "warning", 1, '{"worker":"ann","hours":12}'),
        ("not_empty", "error", 0, None),
        ("key_unique", "error", 2, '{"worker":"ann"}'),
    ]


@pytest.mark.parametrize("one_job", [False, True])
def test_validate_table_of_different_keys_with_one_hash_passes(
    spark: SparkSession, tmp_path: Path, one_job: bool
) -> None:
    contract = sample_contract(tmp_path)
    keys = TableRule("keys", "expect_key_to_be_unique", {"columns": ["worker", "boss"]}, "error", "Repeated.")
    df = spark.createDataFrame([("ann", None), (None, "ann")], "worker string, boss string")
    assert df.selectExpr("xxhash64(worker, boss) AS hash").distinct().count() == 1
    contract = dataclasses.replace(
        contract,
        row_rules=(),
        table_rules=(keys,),
        columns=tuple(
            dataclasses.replace(contract.column("worker"), name=name, nullable=True) for name in ("worker", "boss")
        ),
    )

    (result,) = validate_table(df, contract, "run-1", one_job=one_job)

    assert (result.rule, result.passed, result.rows_checked, result.rows_failed) == ("keys", True, 2, 0)


@pytest.mark.parametrize(
    ("expressions", "broken"),
    [
        (["hours > 0 -- every day", "paid IS NULL OR paid > 0"], {}),
        (["hours > 0 -- every day", "paid > 1"], {"rule_1": 2}),
        (["hours > 0", "hours > 9) OR (true"], None),
    ],
)
def test_validate_table_checks_conditions_as_each_is_written(
    spark: SparkSession, tmp_path: Path, expressions: list[str], broken: dict[str, int] | None
) -> None:
    rules = tuple(RowRule(f"rule_{n}", text, "warning", "Hint.", n) for n, text in enumerate(expressions))
    contract = dataclasses.replace(sample_contract(tmp_path), row_rules=rules, table_rules=())
    df = spark.createDataFrame([("ann", 8, 0.5, 1), ("ann", 8, 0.5, 2), ("ann", 8, 0.5, None)], COLUMNS)
    if broken is None:
        with pytest.raises(ContractError, match="rule 'rule_1'"):
            validate_table(df, contract, "run-1")
        return
    assert {r.rule: r.rows_failed for r in validate_table(df, contract, "run-1") if not r.passed} == broken


def test_validate_table_of_row_rule_that_fails_on_a_value_raises_naming_it(spark: SparkSession, tmp_path: Path) -> None:
    rules = (RowRule("works", "hours > 0", "warning", "Hint."), RowRule("odd", "int(worker) > 0", "warning", "Hint."))
    contract = dataclasses.replace(sample_contract(tmp_path), row_rules=rules)
    df = spark.createDataFrame([("ann", 8, 0.5, 1)], COLUMNS)
    with pytest.raises(ContractError, match=r"rule 'odd' cannot be run: .*ann"):
        validate_table(df, contract, "run-1")


def test_validate_table_skips_the_named_rules(spark: SparkSession, tmp_path: Path, jobs: list[str]) -> None:
    df = spark.createDataFrame([("ann", 8, 0.5, 1), ("ann", 8, 0.5, 1)], COLUMNS)
    results = validate_table(df, sample_contract(tmp_path), "run-1", skip=["key_unique"])
    assert [(result.rule, result.passed) for result in results] == [("usual_hours", True), ("not_empty", True)]
    assert jobs == ["collect"]


def test_validate_table_runs_expectations_of_the_library_too(spark: SparkSession, tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    rules = (
        TableRule(
            "whole", "expect_column_values_to_be_in_set", {"column": "hours", "value_set": [8]}, "error", "Eight."
        ),
        TableRule("mean", "expect_column_mean_to_be_between", {"column": "paid", "max_value": 2}, "warning", "Low."),
    )
    df = spark.createDataFrame([("ann", 7, 0.5, 1), ("bob", 8, 0.5, 4)], COLUMNS)
    results = validate_table(df, dataclasses.replace(contract, row_rules=(), table_rules=rules), "run-1")
    assert [(r.rule, r.passed, r.rows_failed, r.example) for r in results] == [
        ("whole", False, 1, "7"),
        ("mean", False, 1, "2.5"),
    ]


def test_validate_table_of_other_columns_raises_before_any_job(
    spark: SparkSession, revenue: Contract, jobs: list[str]
) -> None:
    with pytest.raises(TableGuardError, match=r"ad_revenue: columns differ .* missing columns: currency"):
        validate_table(booked(spark, [], revenue).drop("currency"), revenue, "run-1")
    assert jobs == []


def test_validate_table_of_rule_that_fails_to_run_raises_naming_it(spark: SparkSession, tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    rule = TableRule(
        "odd", "expect_aggregate_to_satisfy", {"condition": "max(pay) > 0", "observed": "1"}, "error", "Odd."
    )
    df = spark.createDataFrame([("ann", 8, 0.5, 1)], COLUMNS)
    with pytest.raises(ContractError, match=rf"{re.escape(str(contract.path))}: rule 'odd' cannot be run: .*pay"):
        validate_table(df, dataclasses.replace(contract, table_rules=(rule,)), "run-1")


def test_validate_table_of_row_rule_that_is_not_boolean_raises(spark: SparkSession, tmp_path: Path) -> None:
    contract = dataclasses.replace(
        sample_contract(tmp_path), row_rules=(RowRule("odd", "hours", "warning", "Odd.", 3),)
    )
    with pytest.raises(ContractError, match=r"sample\.yaml:3: rule 'odd' \(hours\): it is BIGINT, not a condition"):
        validate_table(spark.createDataFrame([("ann", 8, 0.5, 1)], COLUMNS), contract, "run-1")


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.name)
def test_build_suite_has_each_checked_rule_with_its_severity(contract: Contract) -> None:
    suite = build_suite(contract)
    severities = {expectation.meta["rule"]: expectation.severity.value for expectation in suite.expectations}
    checked = [rule for rule in contract.rules if contract.on_row_fault == "stop" or rule in contract.table_rules]
    assert severities == {r.name: {"error": "critical", "warning": "warning"}[r.severity] for r in checked}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("expect_table_row_count_to_be_between", "expect_table_row_count_to_be_betwixt", "betwixt"),
        ("{min_value: 1}", "{minimum: 1}", "minimum"),
        ("{min_value: 1}", "{min_value: 2, max_value: 1}", "min_value"),
    ],
)
def test_build_suite_of_unknown_expectation_or_argument_raises_with_file_and_line(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    contract = sample_contract(tmp_path, old, new)
    place = f"{contract.path}:{line_of('- name: not_empty')}: rule 'not_empty'"
    with pytest.raises(ContractError, match=rf"(?s){re.escape(place)}.*{reason}"):
        build_suite(contract)
