"""Rules that follow from a column, evaluated by the engine under test."""

from __future__ import annotations

import math
from unicodedata import category

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.hostile_names import ALLOWED, UNPRINTABLE

from creatorpool.contracts import Column, load_contracts
from creatorpool.contracts.column_rules import rules_of_column


def _broken(
    spark: SparkSession, column: Column, options: dict, values: list, is_delivered: bool = False
) -> dict[str, list]:
    """For each rule, the values that break it."""
    rules = rules_of_column(column, options, 1, is_delivered=is_delivered)
    rows = [(position, value) for position, value in enumerate(values)]
    df = spark.createDataFrame(rows, f"position int, {column.name} {column.type}")
    verdicts = df.select("position", *(F.expr(rule.expression).alias(rule.name) for rule in rules)).collect()
    return {rule.name: [values[row.position] for row in verdicts if row[rule.name] is not True] for rule in rules}


def test_rules_of_required_column_are_broken_only_by_null(spark: SparkSession) -> None:
    column = Column("n", "BIGINT", nullable=False, description="d")
    options = {"minimum": 0, "exclusiveMaximum": 10}
    assert _broken(spark, column, options, [0, 9, None, -1, 10]) == {"n_not_null": [None], "n_in_range": [-1, 10]}


def test_rules_of_nullable_rate_let_null_pass_and_refuse_nan_and_infinity(spark: SparkSession) -> None:
    column = Column("p", "DOUBLE", nullable=True, description="d")
    values = [None, 1.0, 5e-324, 0.0, -0.0, 1.0000000000000002, -math.inf, math.inf, math.nan]
    broken = _broken(spark, column, {"exclusiveMinimum": 0, "maximum": 1}, values)
    assert broken["p_finite"][:2] == [-math.inf, math.inf]
    assert math.isnan(broken["p_finite"][2])
    assert broken["p_in_range"][:5] == [0.0, -0.0, 1.0000000000000002, -math.inf, math.inf]
    assert math.isnan(broken["p_in_range"][5])
    assert {name: len(found) for name, found in broken.items()} == {"p_finite": 3, "p_in_range": 6}


def test_rules_of_double_without_upper_bound_refuse_nan(spark: SparkSession) -> None:
    column = Column("x", "DOUBLE", nullable=True, description="d")
    broken = _broken(spark, column, {"minimum": 0}, [1e308, math.nan])
    assert [math.isnan(value) for value in broken["x_finite"]] == [True]


def test_rules_of_text_count_blanks_as_empty_and_match_the_pattern(spark: SparkSession) -> None:
    column = Column("s", "STRING", nullable=True, description="d")
    values = [None, "EUR", "", "  ", "eur", "EURO", " EUR"]
    assert _broken(spark, column, {"minLength": 1, "pattern": "^[A-Z]{3}$"}, values) == {
        "s_min_length": ["", "  "],
        "s_pattern": ["", "  ", "eur", "EURO", " EUR"],
    }


def test_rules_of_bigint_bounds_are_exact_beyond_doubles(spark: SparkSession) -> None:
    column = Column("n", "BIGINT", nullable=True, description="d")
    bound = 2**53
    assert _broken(spark, column, {"maximum": bound}, [bound, bound + 1]) == {"n_in_range": [bound + 1]}


def test_rules_describe_their_condition() -> None:
    column = Column("t", "BIGINT", nullable=False, description="Time watched", unit="ms")
    hints = [rule.hint for rule in rules_of_column(column, {"minimum": 0, "exclusiveMaximum": 9}, 7)]
    assert hints == ["t is required: Time watched.", "t is at least 0 and below 9 ms."]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("STRING", {"minimum": 1}, "minimum needs a numeric column, got STRING"),
        ("BIGINT", {"maximum": True}, "maximum must be a number, got True"),
        ("DOUBLE", {"minLength": 1}, "minLength needs a STRING column"),
        ("STRING", {"minLength": 0}, "a whole number from 1"),
        ("STRING", {"pattern": "it's"}, "pattern needs a STRING column"),
        ("BIGINT", {"pattern": "^1$"}, "pattern needs a STRING column"),
    ],
)
def test_rules_of_column_with_unfit_option_raise(kind: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rules_of_column(Column("c", kind, nullable=True, description="d"), options, 1)


def test_delivered_text_must_be_printable(spark: SparkSession) -> None:
    column = Column("s_id", "STRING", nullable=True, description="d")
    controls = [f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0))]
    values = [None, "", *ALLOWED, "\u00a0", "\ufffd", *controls, *UNPRINTABLE]

    assert _broken(spark, column, {}, values, is_delivered=True) == {"s_id_printable": [*controls, *UNPRINTABLE]}
    assert _broken(spark, column, {}, values) == {}
    free = Column("s", "STRING", nullable=True, description="d")
    assert _broken(spark, free, {}, values, is_delivered=True) == {}, "free text holds what it likes"


def test_every_character_at_the_end_of_a_name_is_printable_or_refused(spark: SparkSession) -> None:
    column = Column("s_id", "STRING", nullable=True, description="d")
    # Of the planes beyond the first, the ends; surrogates are no characters.
    codes = (*range(0xD800), *range(0xE000, 0x10000), 0x10000, 0x1F600, 0x1FFFE, 0x10FFFF)
    breaks = (0x2028, 0x2029, 0xFFFE, 0xFFFF)
    refused = [f"a{chr(code)}" for code in codes if category(chr(code)) == "Cc" or code in breaks]

    found = _broken(spark, column, {}, [f"a{chr(code)}" for code in codes], is_delivered=True)

    assert sorted(found["s_id_printable"]) == refused


def test_delivered_lists_must_have_printable_names_only(spark: SparkSession) -> None:
    column = Column("names", "ARRAY<STRING>", nullable=False, description="d")
    good = [[], [None], ["a", "b|c"], list(ALLOWED)]
    bad = [["a", name, None] for name in UNPRINTABLE]

    assert _broken(spark, column, {}, good + bad, is_delivered=True)["names_printable"] == bad


def test_names_are_checked_in_delivered_tables_only() -> None:
    contracts = load_contracts()
    delivered = {name.removesuffix("_quarantine") for name in contracts if name.endswith("_quarantine")}

    assert {"events", "ad_revenue", "delivery_guarantees"} <= delivered
    for name, contract in contracts.items():
        texts = {
            column.name
            for column in contract.columns
            if column.type in {"STRING", "ARRAY<STRING>"} and (not column.nullable or column.name.endswith("_id"))
        }
        checked = {rule.name for rule in contract.row_rules if rule.name.endswith("_printable")}
        assert checked == ({f"{text}_printable" for text in texts} if name in delivered else set()), name
