"""Row rules and the split into good and quarantined rows, on the engine under test."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.actions import flags

from creatorpool.contracts import Contract, RowRule, load_contract
from creatorpool.contracts.conformance import conform
from creatorpool.contracts.row_rules import breaks_none, quarantined_rows, require_conditions, with_failed_rules
from creatorpool.contracts.schema import require_schema
from creatorpool.errors import ContractError

from .sample_contract import COLUMNS, line_of, sample_contract

DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 21, 3, 0, 0, 250_000, tzinfo=dt.UTC)
ROWS = [
    ("ann", 8, 0.5, 100),
    ("bob", 12, None, 100),  # rare, not wrong
    ("", -1, 0.0, 5),
    (None, None, float("nan"), None),
    ("eve", 0, 1.0, None),  # the rule on pay is neither true nor false
]


def split_rows(df: DataFrame, contract: Contract, *extra_rules: RowRule) -> tuple[DataFrame, DataFrame]:
    """The good rows and the quarantined ones."""
    flagged = with_failed_rules(df, contract, extra_rules)
    quarantined = quarantined_rows(flagged, contract, day=DAY, ingested_at=NOW, extra_rules=extra_rules)
    errors = [rule for rule in (*contract.row_rules, *extra_rules) if rule.severity == "error"]
    return df.where(breaks_none(df, errors)).select(*contract.column_names), quarantined


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return sample_contract(tmp_path)


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, COLUMNS)


def test_with_failed_rules_names_every_broken_rule_in_the_contracts_order(rows: DataFrame, contract: Contract) -> None:
    flagged = {row.worker: row.failed_rules for row in with_failed_rules(rows, contract).collect()}
    assert flagged == {
        "ann": [],
        "bob": ["usual_hours"],
        "": ["worker_min_length", "hours_in_range", "rating_in_range", "paid_for_hours"],
        None: [
            *("worker_not_null", "hours_not_null", "rating_finite", "rating_in_range"),
            *("paid_for_hours", "usual_hours"),
        ],
        "eve": ["paid_for_hours"],
    }


def test_with_failed_rules_appends_the_callers_rules_and_keeps_names_given(
    spark: SparkSession, contract: Contract
) -> None:
    given = spark.createDataFrame([("ann", -8, 0.5, 1, ["hours_readable"])], f"{COLUMNS}, failed_rules array<string>")
    known = RowRule("worker_known", "worker <> 'ann'", "error", "Load the worker first.")
    (row,) = with_failed_rules(given, contract, [known]).collect()
    assert row.failed_rules == ["hours_readable", "hours_in_range", "paid_for_hours", "worker_known"]


def test_split_rows_keeps_rows_with_warnings_and_quarantines_errors(
    spark: SparkSession, rows: DataFrame, contract: Contract
) -> None:
    good, quarantined = split_rows(rows, contract)
    assert_df_equality(good, spark.createDataFrame(ROWS[:2], COLUMNS), ignore_row_order=True, ignore_nullable=True)
    found = {row.row_key: row for row in quarantined.collect()}
    assert (set(found), quarantined.count()) == ({None, "eve"}, 3)  # a blank key counts as missing
    eve = found["eve"]
    assert (eve.date, eve.failed_rules, eve.contract_version) == (DAY, ["paid_for_hours"], "2.1.0")
    assert json.loads(eve.raw_row) == {"worker": "eve", "hours": 0, "rating": 1.0}


def test_split_rows_of_input_tables_has_the_quarantine_contracts_columns(spark: SparkSession) -> None:
    for name in ("events", "viewers", "videos", "ad_revenue", "content_exposure", "delivery_guarantees"):
        contract = load_contract(name)
        empty = spark.createDataFrame([], ", ".join(f"{c.name} {c.type}" for c in contract.columns))
        good, quarantined = split_rows(empty, contract)
        require_schema(good.schema, contract)
        require_schema(quarantined.schema, load_contract(f"{name}_quarantine"))


def test_split_rows_of_conformed_text_quarantines_the_row_as_delivered(spark: SparkSession, contract: Contract) -> None:
    text = spark.createDataFrame(
        [("ann", "8", "0.5", "1"), ("bob", "eight", "", "1")], "worker string, hours string, rating string, paid string"
    )
    good, quarantined = split_rows(conform(text, contract), contract)
    assert [tuple(row) for row in good.collect()] == [("ann", 8, 0.5, 1)]
    (row,) = quarantined.collect()
    assert row.failed_rules == ["hours_readable", "hours_not_null", "paid_for_hours", "usual_hours"]
    assert json.loads(row.raw_row) == {"worker": "bob", "hours": "eight", "rating": "", "paid": "1"}


def test_split_rows_of_bad_events_names_each_fault(spark: SparkSession) -> None:
    contract = load_contract("events")
    at_ten = dt.datetime(2026, 11, 20, 10, 0, 0, 120_000, tzinfo=dt.UTC)
    good = dict.fromkeys(contract.column_names)
    good |= {"date": DAY, "event_id": "e0", "viewer_id": "v1", "video_id": "x1", "event_ts": at_ten, "watch_ms": 1000}
    good |= flags("like")
    faults: dict[str, tuple[dict[str, Any], list[str]]] = {
        "e1": ({"viewer_id": " "}, ["viewer_id_min_length"]),
        "e2": ({"watch_ms": -5}, ["watch_ms_in_range"]),
        "e3": ({"watch_ms": 86_400_001}, ["watch_ms_in_range"]),
        "e4": ({"loop_count": -1}, ["loop_count_in_range"]),
        "e5": ({"test_slot": 0}, ["test_slot_in_range"]),
        "e6": ({"propensity": 0.0}, ["propensity_in_range"]),
        "e7": ({"propensity": float("nan")}, ["propensity_finite", "propensity_in_range"]),
        "e8": ({"liked": None}, ["liked_not_null"]),
        "e9": ({"video_id": None, "event_ts": None}, ["video_id_not_null", "event_ts_not_null"]),
    }
    rows = [good] + [{**good, "event_id": name, **change} for name, (change, _) in faults.items()]
    schema = ", ".join(f"{c.name} {c.type}" for c in contract.columns)
    df = spark.createDataFrame([tuple(row.values()) for row in rows], schema)
    kept, quarantined = split_rows(df, contract)
    assert [row.event_id for row in kept.collect()] == ["e0"]
    found = {row.event_id: row for row in quarantined.collect()}
    assert {name: row.failed_rules for name, row in found.items()} == {
        name: rules for name, (_, rules) in faults.items()
    }
    # The text is the same on both engines, although their JSON writes times differently.
    assert json.loads(found["e2"].raw_row)["event_ts"] == "2026-11-20 10:00:00.12"


def test_split_rows_of_bad_videos_names_each_fault(spark: SparkSession) -> None:
    contract = load_contract("videos")
    now = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)
    rows = [
        ("ok", "k", 1000, ["art", "music"], now, True, 1.0, 0.0, False),
        ("short", "k", 0, ["art"], now, True, 0.5, 0.5, False),
        ("unsafe", "k", 1, ["art"], now, True, 1.5, -0.1, False),
        ("in none", "k", 1, [], now, True, 0.5, 0.5, False),
        ("nameless", "k", 1, ["art", None, " "], now, True, 0.5, 0.5, False),
        ("twice", "k", 1, ["art", "art"], now, True, 0.5, 0.5, False),
        ("null", "k", 1, None, now, True, 0.5, float("inf"), False),
    ]
    df = spark.createDataFrame(rows, ", ".join(f"{c.name} {c.type}" for c in contract.columns))
    found = {row.video_id: row.failed_rules for row in with_failed_rules(df, contract).collect()}
    assert found == {
        "ok": [],
        "short": ["length_ms_in_range"],
        "unsafe": ["s_pos_in_range", "s_tox_in_range"],
        "in none": ["categories_not_empty"],
        "nameless": ["categories_named"],
        "twice": ["categories_distinct"],
        "null": [
            *("categories_not_null", "s_tox_finite", "s_tox_in_range"),
            *("categories_not_empty", "categories_named", "categories_distinct"),
        ],
    }


def test_split_rows_by_the_callers_warning_keeps_the_row(rows: DataFrame, contract: Contract) -> None:
    rule = RowRule("early_bird", "worker <> 'ann'", "warning", "Ann comes early.")
    good, quarantined = split_rows(rows, contract, rule)
    assert sorted(row.worker for row in good.collect()) == ["ann", "bob"]
    assert quarantined.count() == 3


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("hour > 0", "hour"),
        ("hours >> ( 1", ""),
        ("hours + 1", "it is BIGINT, not a condition"),
        ("no_such_function(hours)", "no_such_function"),
    ],
)
def test_require_conditions_of_unusable_expression_raises_naming_file_line_and_rule(
    rows: DataFrame, contract: Contract, expression: str, reason: str
) -> None:
    broken = dataclasses.replace(contract.row_rules[-1], expression=expression)
    contract = dataclasses.replace(contract, row_rules=(*contract.row_rules[:-1], broken))
    place = f"{contract.path}:{line_of('- name: usual_hours')}: rule 'usual_hours' ({expression}): "
    with pytest.raises(ContractError, match=rf"{re.escape(place)}.*{reason}"):
        require_conditions(rows, contract.row_rules, contract)
