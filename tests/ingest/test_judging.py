"""Rows told by the keys of the refused ones are those that the rules accept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.rules import tier_rule
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.storage import materialize

VIEWERS = load_contract("viewers")
TIMES = (datetime(2025, 1, 1), None)


def hostile_viewers() -> list[tuple[Any, ...]]:
    """Every mix of good and broken ids, tiers and times: many rows repeat or contradict others, or have no id."""
    ids = ("viewer-1", "viewer-2", "viewer-2 ", "", "  ", None, "line\nbreak", "late")
    mixes = [(name, tier, "west", moment) for name, tier, moment in product(ids, ("verified", "gold", None), TIMES)]
    good = [(f"good-{number}", "verified", None, TIMES[0]) for number in range(3)]
    return [*mixes, *good, *good, (*good[0][:2], "east", TIMES[0])]


def validated(spark: SparkSession, folder: Path) -> ValidatedTable:
    rows = spark.createDataFrame(
        hostile_viewers(), "viewer_id string, trust_tier string, region string, valid_from timestamp"
    )
    rules = [tier_rule(["verified", "unverified"])]
    return validated_table(Delivery("viewers", (rows,)), VIEWERS, spark, date(2026, 11, 20), folder, rules)


def contents(rows: DataFrame) -> list[str]:
    return sorted(str(row) for row in rows.toArrow().to_pylist())


def test_rows_told_by_keys_are_those_that_the_rules_accept(spark: SparkSession, tmp_path: Path) -> None:
    found = validated(spark, tmp_path)
    assert found.judged.is_told_by_key(VIEWERS)
    by_rules = found.judged.rows.where(found.judged.is_good).select(*VIEWERS.column_names)
    assert contents(found.good) == contents(by_rules)
    # good-0 is contradicted, good-1 and good-2 are repeated; every other id has broken rows, or contradicts itself.
    assert {row["viewer_id"] for row in found.good.collect()} == {"good-1", "good-2"}
    assert found.counts.accepted == 2


def test_rules_tell_rows_where_keys_cannot(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = validated(spark, tmp_path).judged
    # Rows without an id may then be good, and share the id with others that are not.
    lax = replace(VIEWERS, row_rules=tuple(rule for rule in VIEWERS.row_rules if rule.name != "viewer_id_min_length"))
    assert not judged.is_told_by_key(lax)
    monkeypatch.setattr(materialize, "_MATERIALIZED_ROWS", 3)
    many = validated(spark, tmp_path / "many")
    assert not many.judged.is_told_by_key(VIEWERS)
    assert contents(many.good) == contents(judged.good(VIEWERS).select(*VIEWERS.column_names))
    assert contents(many.refused) == contents(judged.broken)
