"""Columns of a mapping, the same on both engines; what cannot be read stays as it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.sources.columns import mapped_column, moment
from creatorpool.ingest.sources.mapping import ColumnMapping

TEXTS: dict[str, tuple[dict[str, Any], str, list[tuple[str | None, str | None]]]] = {
    "epoch seconds": (
        {"epoch": "seconds"},
        "events.event_ts",
        [
            ("1649548800", "2022-04-10 00:00:00"),
            (" 1649548800.25 ", "2022-04-10 00:00:00.25"),
            ("-1", "1969-12-31 23:59:59"),
            ("soon", "soon"),
            ("1e9", "1e9"),
            ("99999999999999999999", "99999999999999999999"),
            (None, None),
        ],
    ),
    "epoch milliseconds": (
        {"epoch": "milliseconds"},
        "events.event_ts",
        [("1649548800123", "2022-04-10 00:00:00.123"), ("1649548800123.0", "2022-04-10 00:00:00.123")],
    ),
    "epoch microseconds": (
        {"epoch": "microseconds"},
        "events.event_ts",
        [("1649548800123456", "2022-04-10 00:00:00.123456")],
    ),
    "exact product": (
        {"multiply": 1_000_000},
        "ad_revenue.revenue_micros",
        [
            ("0.29", "290000"),
            ("123456789.123456", "123456789123456"),
            ("-1.5", "-1500000"),
            ("0", "0"),
            ("0.0000001", "0.100000000"),
            ("1,50", "1,50"),
            (None, None),
        ],
    ),
    "rounded product": (
        {"multiply": 1000, "round": True},
        "events.watch_ms",
        [("12.3456", "12346"), ("0.0005", "1"), ("n/a", "n/a"), ("", "")],
    ),
    "local time": (
        {"time_zone": "Europe/Berlin"},
        "events.event_ts",
        [
            ("2026-11-20 00:30:00", "2026-11-19 23:30:00"),
            ("2026-07-01T12:00:00.5", "2026-07-01 10:00:00.5"),
            ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),
            ("2026-11-20T00:30:00+02:00", "2026-11-20T00:30:00+02:00"),
            ("2026-11-20T00:30:00Z", "2026-11-20T00:30:00Z"),
            ("20/11/2026", "20/11/2026"),
        ],
    ),
    "default": ({"default": False}, "events.liked", [(None, "false"), ("", "false"), (" ", "false"), ("1", "1")]),
}
"""How a column is given, which column of ours it becomes, and what becomes of texts"""


def made(rows: DataFrame, ours: str, **given: Any) -> list[Any]:
    table, name = ours.split(".")
    wanted = load_contract(table).column(name)
    return [row[0] for row in rows.select(mapped_column(rows, ColumnMapping(**given), wanted, "UTC")).collect()]


@pytest.mark.parametrize("case", TEXTS)
def test_text_becomes(case: str, spark: SparkSession) -> None:
    given, ours, pairs = TEXTS[case]
    rows = spark.createDataFrame([(text,) for text, _ in pairs], "a string")

    assert made(rows, ours, column="A", **given) == [expected for _, expected in pairs]


def test_numbers_and_constants_take_the_contracts_types(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(7, 1.5), (None, None)], "id bigint, amount double")

    assert made(rows, "events.viewer_id", column="id") == ["7", None]
    assert made(rows, "events.event_ts", column="id", epoch="seconds") == ["1970-01-01 00:00:07", None]
    assert made(rows, "ad_revenue.revenue_micros", column="amount", multiply=10) == ["15", None]
    assert made(rows, "events.watch_ms", column="id", default=3) == [7, 3]
    assert made(rows, "videos.categories", value=["a", "b"]) == [["a", "b"]] * 2
    assert made(rows, "events.surface", sql="concat('tab-', id)") == ["tab-7", None]


def test_joined_needs_every_part(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1), (" ", 2), (None, 3)], "user string, n bigint")

    assert made(rows, "events.event_id", joined=["user", "n"]) == ["a-1", None, None]


def test_moment_that_cannot_be_read_is_null(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("1649548800",), ("soon",)], "ts string")
    found = rows.select(moment(rows, ColumnMapping(column="ts", epoch="seconds"), "UTC").alias("at")).toArrow()

    assert found["at"].to_pylist() == [datetime(2022, 4, 10, tzinfo=UTC), None]
