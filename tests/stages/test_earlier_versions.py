"""Tables of version 0.1 are read and continued: two paid days, the later one republished with another alpha."""

from __future__ import annotations

import tarfile
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.checkout import project_root
from tests.tolerant import TOLERANT

from creatorpool.runs.pools import published_pools
from creatorpool.runs.published_rows import published_arrow, published_rows
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day

pytestmark = pytest.mark.once  # Parquet and JSON files: other tests cover reading by an engine

FIRST, SECOND, NEXT = date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)


def night(spark: SparkSession, root: Path, day: date, *assignments: str, dry_run: bool = False) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, day, dry_run=dry_run)


def paid(tables: Warehouse, day: date) -> int:
    return sum(row.paid_micros for row in published_pools(tables, day).values())


def test_tables_of_version_0_1_are_verified_continued_and_republished(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(project_root() / "tests" / "data" / "tables-0.1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    root, tables = tmp_path / "tables", Warehouse(spark, tmp_path / "tables")
    before = sorted(map(str, published_arrow(tables, "pool_payouts").to_pylist()))
    assert len(before) == published_rows(tables, "pool_payouts").count() > 100
    assert all(check.passed for check in verify_day(night(spark, root, FIRST, dry_run=True)))
    assert all(check.passed for check in verify_day(night(spark, root, SECOND, "allocation.alpha=0.7", dry_run=True)))

    generate_day(tmp_path / "raw", NEXT, SyntheticMarket(seed=7, n_events=400))
    run = night(spark, root, NEXT)
    publish_ingestion(run, tmp_path / "raw")
    publish_payouts(run)
    publish_payouts(night(spark, root, SECOND, "allocation.alpha=0.5"), republish=True)

    found = published_arrow(tables, "pool_payouts").to_pylist()
    assert sorted(str(row) for row in found if row["date"] == FIRST) == [row for row in before if repr(FIRST) in row]
    assert {row["date"] for row in found} == {FIRST, SECOND, NEXT}
    for day in (SECOND, NEXT):
        assert all(check.passed for check in verify_day(night(spark, root, day, dry_run=True)))
        assert paid(tables, day) == sum(row["payout_micros"] for row in found if row["date"] == day)
