"""Plans by the values of a column do not grow with the number of values."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.frames import matching, parts_by, union_all


def test_matching_keeps_rows_of_the_values_only(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1), ("b", 2), ("b", 3), (None, 4)], "name string, n bigint")

    wanted = ["b", *(f"other-{number}" for number in range(5_000))]

    assert sorted(row["n"] for row in matching(rows, "name", wanted).collect()) == [2, 3]
    assert matching(rows, "name", []).collect() == []


@pytest.mark.parametrize("number", [1, 2, 7, 300])
def test_union_all_keeps_every_row_once(spark: SparkSession, number: int) -> None:
    one = spark.range(1)

    rows = union_all([one.select(F.lit(place).alias("n")) for place in range(number)])

    assert sorted(row["n"] for row in rows.collect()) == list(range(number))


@pytest.mark.parametrize("kind", ["table", "chunks", "batch"])
def test_parts_by_keeps_the_order_of_each_values_rows(kind: str) -> None:
    batch = pa.record_batch({"name": ["b", "a", "b", "c", "a"], "n": [1, 2, 3, 4, 5]})
    rows = {
        "table": pa.Table.from_batches([batch]),
        "chunks": pa.Table.from_batches([batch.slice(0, 2), batch.slice(2)]),
        "batch": batch,
    }[kind]

    assert [(name, part.column("n").to_pylist()) for name, part in parts_by(rows, "name")] == [
        ("a", [2, 5]),
        ("b", [1, 3]),
        ("c", [4]),
    ]
    assert list(parts_by(rows.slice(0, 0), "name")) == []
