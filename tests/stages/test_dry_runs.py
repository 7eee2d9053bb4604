"""A dry run computes the rows of each table once, and leaves nothing."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


def test_rows_that_a_dry_run_stores_are_computed_once_and_are_gone_at_its_end(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    random = (F.rand() * 1e12).cast("bigint")
    rows = spark.range(100).select(
        F.col("id").cast("string").alias("creator_id"),
        *(random.alias(name) for name in ("payout_micros", "pulse_micros", "total_micros", "videos_paid")),
        F.lit("USD").alias("currency"),
    )
    context = RunContext(warehouse, load_settings(), DAY, dry_run=True)

    held = context.store(rows, "creator_payouts")

    first = sorted(held.collect())
    assert len({row["payout_micros"] for row in first}) > 90
    assert sorted(held.collect()) == first
    context.close()
    assert [*scratch.iterdir()] == []
    assert not warehouse.exists("creator_payouts")
