"""Repeated and conflicting rows, against a count in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.actions import FLAG_SCHEMA

from creatorpool.contracts import load_contract
from creatorpool.ingest.duplicates import deduplicated, duplicate_key_hashes, stored_hashes, unique_rows, with_key

from .ingest_sources import DAY, good_event

CONTRACT = load_contract("events")
KEY = ("event_id",)
Content = tuple[str | None, int]


def _frame(spark: SparkSession, contents: list[Content], *, stored: bool = False) -> DataFrame:
    """Events that differ only in id and watch time, as `conform` returns them (`stored`: as the table has them)."""
    rows = [good_event(1) | {"date": DAY, "event_id": event_id, "watch_ms": watch} for event_id, watch in contents]
    schema = (
        "event_id string, viewer_id string, video_id string, event_ts timestamp, watch_ms bigint, loop_count int, "
        f"{FLAG_SCHEMA}, surface string, test_slot int, "
        "propensity double, date date"
    )
    frame = spark.createDataFrame([[row[column.split()[0]] for column in schema.split(", ")] for row in rows], schema)
    if stored:
        return frame.select(*CONTRACT.column_names)
    return frame.withColumn("failed_rules", F.array().cast("array<string>")).withColumn("raw_row", F.lit("as it came"))


def _deduplicated(rows: DataFrame, stored: DataFrame | None = None) -> list[tuple[str | None, int, bool]]:
    duplicate_keys = duplicate_key_hashes(rows, CONTRACT, KEY)
    if stored is not None:
        arrived = with_key(rows, CONTRACT, KEY).select("date", *KEY)
        duplicate_keys = duplicate_keys.unionByName(stored_hashes(stored, arrived, KEY)).distinct()
    kept = unique_rows(rows, duplicate_keys, KEY).unionByName(deduplicated(rows, duplicate_keys, CONTRACT, KEY, stored))
    found = kept.select("event_id", "watch_ms", "in_conflict").collect()
    return sorted((tuple(row) for row in found), key=str)


def test_deduplicated_identical_rows_become_one_and_differing_ones_conflict(spark: SparkSession) -> None:
    rows = _frame(spark, [("once", 1), ("twice", 1), ("twice", 1), ("other", 1), ("other", 2), ("other", 2)])
    assert _deduplicated(rows) == [
        ("once", 1, False),
        ("other", 1, True),
        ("other", 2, True),
        ("other", 2, True),
        ("twice", 1, False),
    ]


def test_deduplicated_rows_without_a_key_are_left_alone(spark: SparkSession) -> None:
    rows = _frame(spark, [(None, 1), (None, 2), ("", 1), ("", 1), (" ", 3), ("a", 1), ("a", 1)])
    assert duplicate_key_hashes(rows, CONTRACT, KEY).count() == 1
    assert _deduplicated(rows) == sorted(
        [(None, 1, False), (None, 2, False), ("", 1, False), ("", 1, False), (" ", 3, False), ("a", 1, False)], key=str
    )


def test_deduplicated_random_rows_agree_with_a_plain_count(spark: SparkSession) -> None:
    rng = random.Random(5)
    given = [(f"id-{rng.randrange(60)}", rng.randrange(1, 4)) for _ in range(90)]
    stored = [(f"id-{number}", 1 + number % 3) for number in range(0, 60, 4)]
    contents: dict[str, set[int]] = defaultdict(set)
    for event_id, watch in given + stored:
        contents[event_id].add(watch)
    expected = []
    for event_id, watch in given:
        if len(contents[event_id]) > 1:
            expected.append((event_id, watch, True))
    expected += {(e, w, False) for e, w in given if len(contents[e]) == 1 and e not in dict(stored)}
    assert _deduplicated(_frame(spark, given), _frame(spark, stored, stored=True)) == sorted(expected, key=str)
