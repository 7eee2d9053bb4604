"""Rows of `invalid_viewers` cover the same days for the engine and in Arrow."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pyarrow as pa
from pyspark.sql import SparkSession

from creatorpool.quality.frames.invalid_viewers import invalid_on, without_invalid

DAY = date(2026, 11, 20)
NEAR = [DAY + timedelta(days=n) for n in (-1, 0, 1)]


def test_the_same_viewers_are_invalid_on_a_day_for_the_engine_and_in_arrow(spark: SparkSession) -> None:
    rows = [(f"{begun}-{until}", begun, until) for begun, until in product(NEAR, [*NEAR, None])]
    rows += [
        ("twice", NEAR[0], NEAR[0]),
        ("twice", DAY, None),
        ("begun twice", NEAR[0], None),
        ("begun twice", DAY, DAY),
    ]
    names = ("viewer_id", "from_date", "until_date")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    stored = pa.table(columns, schema=pa.schema(dict(zip(names, (pa.string(), pa.date32(), pa.date32()), strict=True))))
    viewers = {row[0] for row in rows} | {"real"}
    events = spark.createDataFrame([(viewer,) for viewer in sorted(viewers)], "viewer_id string")
    table = spark.createDataFrame(rows, "viewer_id string, from_date date, until_date date")

    found = invalid_on(stored, DAY)

    assert found == viewers - {row["viewer_id"] for row in without_invalid(events, table, DAY).collect()}
    assert found == {f"{begun}-{until}" for begun, until in product(NEAR[:2], [*NEAR[1:], None])} | {
        "twice",
        "begun twice",
    }
