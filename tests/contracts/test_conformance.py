"""Delivered values, converted to a contract's types on the engine under test."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from creatorpool.contracts import Contract, load_contract
from creatorpool.contracts.conformance import conform
from creatorpool.errors import TableGuardError

ALL_TYPES = """
apiVersion: v3.1.0
kind: DataContract
id: test.sample
name: sample
version: 1.0.0
description: {purpose: One column of each type}
schema:
  - name: sample
    dataGranularityDescription: one row
    customProperties: [{property: onRowFault, value: quarantine}]
    properties:
      - {name: s, logicalType: string, physicalType: STRING, required: true, description: d,
         primaryKey: true, primaryKeyPosition: 1}
      - {name: b, logicalType: integer, physicalType: BIGINT, required: false, description: d}
      - {name: i, logicalType: integer, physicalType: INT, required: false, description: d}
      - {name: d, logicalType: number, physicalType: DOUBLE, required: false, description: d}
      - {name: f, logicalType: boolean, physicalType: BOOLEAN, required: false, description: d}
      - {name: day, logicalType: date, physicalType: DATE, required: false, description: d}
      - {name: t, logicalType: timestamp, physicalType: TIMESTAMP, required: false, description: d}
      - {name: a, logicalType: array, physicalType: ARRAY<STRING>, required: false, description: d}
"""
TEXT = "s string, b string, i string, d string, f string, day string, t string, a string"
TYPED = "s string, b bigint, i int, d double, f boolean, day date, t timestamp, a array<string>"


@pytest.fixture
def sample(tmp_path: Path) -> Contract:
    (tmp_path / "sample.yaml").write_text(ALL_TYPES, encoding="utf-8")
    return load_contract("sample", tmp_path)


def test_conform_of_iso_text_gives_the_contracts_types(spark: SparkSession, sample: Contract) -> None:
    rows = [
        ("k1", "12", "-3", "0.5", "true", "2026-11-20", "2026-11-20T10:00:00Z", "art|music"),
        ("k2", " 7 ", "+1", "1e-3", "0", "2024-02-29", "2026-11-20 12:00:00.25+02:00", '["art","a|b"]'),
        ("k3", None, "", "  ", None, None, "2026-11-20T10:00", None),
    ]
    got = conform(spark.createDataFrame(rows, TEXT), sample)
    ten = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)
    expected = spark.createDataFrame(
        [
            ("k1", 12, -3, 0.5, True, dt.date(2026, 11, 20), ten, ["art", "music"]),
            ("k2", 7, 1, 0.001, False, dt.date(2024, 2, 29), ten.replace(microsecond=250_000), ["art", "a|b"]),
            ("k3", None, None, None, None, None, ten, None),
        ],
        TYPED,
    )
    assert_df_equality(got.select(*expected.columns), expected, ignore_nullable=True)
    assert [row.failed_rules for row in got.collect()] == [[], [], []]


UNREADABLE = {
    "b": ["1.5", "12 ms", "9223372036854775808", "NaN", "0x1F"],
    "i": ["2147483648", "1e3"],
    "d": ["abc", "NaN", "inf", "1d"],
    "f": ["maybe", "2", "yes"],
    "day": ["2026", "20/11/2026", "2026-11-31", "2026-11-20T10:00:00Z"],
    "t": ["10:00:00", "2026", "2026-11-20T25:00:00Z", "yesterday", "1700000000"],
    "a": ['["art"', "[1, 2"],
}


def test_conform_of_unreadable_text_names_the_column_and_leaves_null(spark: SparkSession, sample: Contract) -> None:
    cases = [(column, text) for column, texts in UNREADABLE.items() for text in texts]
    empty = dict.fromkeys(("b", "i", "d", "f", "day", "t", "a"))
    rows = [tuple({"s": f"{case}", **empty, column: text}.values()) for case, (column, text) in enumerate(cases)]
    got = {int(row.s): row for row in conform(spark.createDataFrame(rows, TEXT), sample).collect()}
    found = [(column, text, got[case].failed_rules, got[case][column]) for case, (column, text) in enumerate(cases)]
    assert found == [(column, text, [f"{column}_readable"], None) for column, text in cases]
    assert json.loads(got[0].raw_row) == {"s": "0", "b": "1.5"}


def test_conform_of_numbers_of_another_width_keeps_values_and_names_the_rest(
    spark: SparkSession, sample: Contract
) -> None:
    rows = [
        ("whole", 12.0, 3, 5, 1, None),
        ("broken", 1.5, 2**31, 5, 2, None),
        ("not a number", float("nan"), None, None, None, None),
        ("too large", 2.0**63, None, None, None, None),
    ]
    schema = "s string, b double, i bigint, d int, f int, t timestamp_ntz"
    got = conform(spark.createDataFrame(rows, schema), sample, absent=("day", "a")).collect()
    assert [(row.b, row.i, row.d, row.f) for row in got[:1]] == [(12, 3, 5.0, True)]
    assert [row.failed_rules for row in got] == [
        [],
        ["b_readable", "i_readable", "f_readable"],
        ["b_readable"],
        ["b_readable"],
    ]


def test_conform_of_time_without_zone_reads_utc(spark: SparkSession, sample: Contract) -> None:
    df = spark.sql("SELECT 'k' AS s, TIMESTAMP_NTZ '2026-11-20 10:00:00' AS t")
    got = conform(df, sample, absent=("b", "i", "d", "f", "day", "a"))
    assert got.selectExpr("CAST(t AS STRING) AS t").collect()[0].t == "2026-11-20 10:00:00"


def test_conform_keeps_a_given_raw_row(spark: SparkSession, sample: Contract) -> None:
    df = spark.createDataFrame([("k", "k,oops")], "s string, raw_row string")
    got = conform(df, sample, absent=("b", "i", "d", "f", "day", "t", "a"))
    assert [(row.s, row.raw_row) for row in got.collect()] == [("k", "k,oops")]


def test_conform_of_another_schema_raises_naming_every_difference(spark: SparkSession, sample: Contract) -> None:
    df = spark.createDataFrame([(True, "x", dt.date(2026, 11, 20))], "b boolean, extra string, t date")
    message = (
        r"sample: columns differ from contract 1\.0\.0 \(sample\.yaml\): missing columns: s, i, d, f, day, a; "
        r"columns not in the contract: extra; "
        r"wrong type: b BOOLEAN \(contract BIGINT\), t DATE \(contract TIMESTAMP\)\. "
        r"Got: b BOOLEAN, extra STRING, t DATE\. Contract: s STRING, b BIGINT, i INT, .*a ARRAY<STRING>\."
    )
    with pytest.raises(TableGuardError, match=message):
        conform(df, sample)
