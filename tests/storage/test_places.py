"""Names of roots are used unchanged, or refused before anything is written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError
from creatorpool.storage.places import place_of, tables_root
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
NAMES = [
    *(
        pytest.param(name, marks=pytest.mark.once)
        for name in ("night shift", "Müsik-日本", "st*r", "com~apple~Docs", "x{y}", "plus+and&;,@:")
    ),
    *("rev#1", "100% done", "a?b", 'it\'s "quoted"', "a=b"),
]


def payouts(spark: SparkSession, *creators: str):
    rows = spark.createDataFrame([(creator,) for creator in creators], "creator_id string")
    money = ("payout_micros", "pulse_micros", "total_micros", "videos_paid")
    return rows.select(
        "creator_id", *(F.lit(0).cast("bigint").alias(name) for name in money), F.lit("USD").alias("currency")
    )


@pytest.mark.parametrize("name", NAMES)
def test_tables_under_any_name_have_the_written_rows_and_no_files_beside_them(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    root = tables_root(str(tmp_path / name))
    warehouse = Warehouse(spark, root)
    (tmp_path / "stXr").mkdir()

    first = warehouse.replace_day(payouts(spark, "a", "b"), "creator_payouts", DAY)
    second = warehouse.replace_day(payouts(spark, "c"), "creator_payouts", DAY)

    assert [row.creator_id for row in warehouse.read("creator_payouts", day=DAY).collect()] == ["c"]
    assert warehouse.read("creator_payouts", day=DAY, version=first).count() == 2
    assert warehouse.read_arrow("creator_payouts", ["creator_id"], version=second).to_pylist() == [{"creator_id": "c"}]
    staged = warehouse.stage_day(payouts(spark, "d"), "creator_payouts", DAY)
    assert [row.creator_id for row in warehouse.read_staged(staged).collect()] == ["d"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "stXr"])
    assert [path.name for path in root.iterdir()] == ["creator_payouts"]


@pytest.mark.parametrize("name", ["a[b]", "a%20b", "100%25 done", "a\nb", "back\\slash", "a^b", "a|b"])
def test_names_that_libraries_misread_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="rename the folder"):
        tables_root(str(tmp_path / name / "tables"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("s3a://bucket/a/b/", "s3://bucket/a/b"),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/a=b", "gs://bucket/a=b"),
        ("abfss://box@account.dfs.core.windows.net/a", "abfss://box@account.dfs.core.windows.net/a"),
        ("file:///data/night%20shift", "/data/night shift"),
    ],
)
def test_a_place_has_one_name_however_it_is_written(text: str, name: str) -> None:
    assert str(place_of(text)) == str(tables_root(text)) == name


@pytest.mark.parametrize(
    "text", ["s3://key:secret@bucket/x", "s3:///x", "s3://bucket\n/x", "hdfs://host/x", "s3://b?q=1/x"]
)
def test_uris_of_other_kinds_and_with_credentials_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        place_of(text)
    assert "secret" not in str(refusal.value)


def test_roots_in_object_stores_have_plain_names() -> None:
    with pytest.raises(ConfigurationError, match="choose another name"):
        tables_root("s3://bucket/a%20b")
