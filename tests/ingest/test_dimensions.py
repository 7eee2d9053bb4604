"""Upserts by key."""

from __future__ import annotations

from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.dimensions import changed, merged

from .ingest_sources import NOON

CONTRACT = load_contract("viewers")
SCHEMA = "viewer_id string, trust_tier string, region string, valid_from timestamp"


def _viewers(spark: SparkSession, *rows: tuple[str, str, str | None]):
    return spark.createDataFrame([(*row, NOON) for row in rows], SCHEMA)


def test_merged_incoming_row_of_a_key_wins(spark: SparkSession) -> None:
    stored = _viewers(spark, ("a", "verified", None), ("b", "verified", "west"))
    incoming = _viewers(spark, ("b", "unverified", None), ("c", "verified", "east"))
    rows = merged(stored, incoming, CONTRACT).select("viewer_id", "trust_tier", "region").collect()
    assert sorted(map(tuple, rows)) == [
        ("a", "verified", None),
        ("b", "unverified", None),
        ("c", "verified", "east"),
    ]
    assert merged(None, incoming, CONTRACT).count() == 2


def test_changed_finds_new_and_differing_rows_with_nulls_equal_to_nulls(spark: SparkSession) -> None:
    stored = _viewers(spark, ("same", "verified", None), ("region", "verified", None), ("tier", "verified", "west"))
    incoming = _viewers(
        spark,
        ("same", "verified", None),
        ("region", "verified", "west"),
        ("tier", "unverified", "west"),
        ("new", "verified", None),
    )
    rows = changed(stored, incoming, CONTRACT).collect()
    assert sorted(row["viewer_id"] for row in rows) == ["new", "region", "tier"]
