"""Parcels: tables as values; each task gets its own parcel and all shared ones."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.recommend.frames.parcels import PARCEL, Parcels, gathered, in_tasks, packed, parcel_rows, unpacked

OUT = "task int, own string, shared string"


def parcels(spark: SparkSession, kind: str, numbers: list[int]) -> DataFrame:
    rows = [(kind, number, packed(pa.table({"x": [number, number]}))) for number in numbers]
    return spark.createDataFrame(rows, PARCEL)


def describer() -> Callable[[int, Parcels], pa.Table]:
    """A function that is sent to the workers by value, because they cannot import tests."""

    def described(task: int, found: Parcels) -> pa.Table:
        texts = (str([table["x"].to_pylist() for table in found[kind]]) for kind in ("own", "shared"))
        return pa.table([pa.array([task], pa.int32()), *([text] for text in texts)], names=["task", "own", "shared"])

    return described


def test_unpacked_tables_equal_the_packed_ones() -> None:
    table = pa.table({"ids": ["ä", None], "lists": pa.array([[1, 2], []], pa.list_(pa.int32()))})
    rows = parcel_rows([("kind", 3, pa.concat_tables([table, table]))])

    assert rows.select(["kind", "number"]).to_pylist() == [{"kind": "kind", "number": 3}]
    assert unpacked(rows["payload"][0]).to_pylist() == table.to_pylist() * 2


def test_tasks_get_their_own_parcels_and_all_shared_ones_in_order(spark: SparkSession) -> None:
    own, shared = parcels(spark, "own", [4, 1, 0, 3]), parcels(spark, "shared", [2, 1])

    rows = in_tasks({"own": own}, {"shared": shared}, 3, describer(), OUT).collect()

    assert {row["task"]: (row["own"], row["shared"]) for row in rows} == {
        0: ("[[0, 0], [3, 3]]", "[[1, 1], [2, 2]]"),
        1: ("[[1, 1], [4, 4]]", "[[1, 1], [2, 2]]"),
        2: ("[]", "[[1, 1], [2, 2]]"),
    }
    assert len(rows) == 3


@pytest.mark.parametrize("partitions", [1, 7])
def test_rows_of_one_value_are_brought_together_whatever_the_partitions(spark: SparkSession, partitions: int) -> None:
    rows = spark.range(1000).selectExpr("CAST(id % 13 AS INT) AS part", "id").repartition(5)

    def summed(value: int, group: pa.Table) -> pa.Table:
        return pa.table({"part": pa.array([value], pa.int32()), "total": [sum(group["id"].to_pylist())]})

    found = gathered(rows, "part", partitions, summed, "part int, total bigint").collect()

    assert sorted((row["part"], row["total"]) for row in found) == [
        (part, sum(range(part, 1000, 13))) for part in range(13)
    ]


def test_parcel_that_arrives_twice_stops_the_run(spark: SparkSession) -> None:
    with pytest.raises(Exception, match="the engine delivered parcel"):
        in_tasks({"own": parcels(spark, "own", [1, 1])}, {}, 1, describer(), OUT).collect()
