"""A published day is reproduced from the versions that its run read, before and after maintenance."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError, MissingTableError
from creatorpool.runs.claims import EVERY_DAY, claimed, standing_claims
from creatorpool.runs.ledger import begin_runs, forget_run, published_runs
from creatorpool.runs.pools import day_outputs, pools_of_run, published_pools
from creatorpool.runs.published_rows import published_rows
from creatorpool.runs.retention import named_versions
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.maintenance import NEVER_NAMED, maintain_tables
from creatorpool.storage.checkpoints import COMMITS_PER_CHECKPOINT
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day
from creatorpool.verification.reproduction import reproduce_day

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)


def night_at(spark: SparkSession, root: Path, *assignments: str, dry_run: bool = True) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, DAY, dry_run=dry_run)


@pytest.fixture(scope="module")
def twice_paid(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Tables of a day that was paid, got a late event, and was paid again; and the first run's id."""
    folder = tmp_path_factory.mktemp("twice")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    night = night_at(spark, folder / "tables", dry_run=False)
    publish_ingestion(night, folder / "raw")
    publish_payouts(night)
    _arrive_late(night.warehouse)
    publish_payouts(night_at(spark, folder / "tables", dry_run=False), republish=True)
    return folder / "tables", night.run_id


def _arrive_late(warehouse: Warehouse) -> None:
    """Store a copy of every event of the day under another id, and publish it as an ingestion."""
    rows = warehouse.read_arrow("events", day=DAY).to_pylist()
    version = warehouse.append_records([row | {"event_id": f"late-{row['event_id']}"} for row in rows], "events")
    seen = warehouse.version("stage_runs")
    runs = warehouse.read_arrow("stage_runs", day=DAY).to_pylist()
    for run in runs:
        if run["stage"] == "ingest":
            run["output_versions"] = json.dumps(json.loads(run["output_versions"]) | {"events": version})
    warehouse.replace_day_records(runs, "stage_runs", DAY, seen=seen)


def payouts(warehouse: Warehouse, version: int) -> dict[tuple[str, str], int]:
    rows = warehouse.read_arrow("pool_payouts", day=DAY, version=version).to_pylist()
    return {(row["category"], row["video_id"]): row["payout_micros"] for row in rows}


def test_each_run_is_reproduced_from_its_inputs(spark: SparkSession, twice_paid: tuple[Path, str]) -> None:
    root, first = twice_paid
    warehouse = Warehouse(None, root)
    versions = [day_outputs(pools) for pools in (pools_of_run(warehouse, DAY, first), published_pools(warehouse, DAY))]
    assert payouts(warehouse, versions[0]["pool_payouts"]) != payouts(warehouse, versions[1]["pool_payouts"])
    before = warehouse.versions("pool_payouts", "video_signals", "allocation_runs", "contract_results")

    for run in (first, None):
        checks = reproduce_day(night_at(spark, root), run)
        assert checks
        assert all(check.passed and check.compared > 0 for check in checks), checks

    assert warehouse.versions(*before) == before, "nothing is written"


def test_another_configuration_or_run_is_refused(spark: SparkSession, twice_paid: tuple[Path, str]) -> None:
    with pytest.raises(ConfigurationError, match="another configuration"):
        reproduce_day(night_at(spark, twice_paid[0], "allocation.alpha=0.9"))
    with pytest.raises(MissingTableError, match="run nobody has published no pool"):
        reproduce_day(night_at(spark, twice_paid[0]), "nobody")


def test_maintenance_keeps_the_versions_in_the_ledger(
    spark: SparkSession, twice_paid: tuple[Path, str], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(twice_paid[0], tmp_path / "tables"))
    warehouse = Warehouse(spark, root)
    before = sorted(map(str, published_rows(warehouse, "pool_payouts").collect()))
    files = len(list(root.rglob("*.parquet")))

    done = list(maintain_tables(warehouse, timedelta(days=30)))

    assert sum(table.compacted for table in done) > 0
    assert sum(table.deleted for table in done) == 0
    assert len(list(root.rglob("*.parquet"))) > files, "compacted files came, none went"
    assert all(check.passed for check in reproduce_day(night_at(spark, root), twice_paid[1]))

    planned = {table.table: table.deleted for table in maintain_tables(warehouse, timedelta(0), dry_run=True)}
    deleted = {table.table: table.deleted for table in maintain_tables(warehouse, timedelta(0))}

    assert sum(deleted.values()) > 0
    assert planned["pool_payouts"] == deleted["pool_payouts"] > 0
    assert sorted(map(str, published_rows(warehouse, "pool_payouts").collect())) == before
    assert published_pools(warehouse, DAY)
    with pytest.raises(MissingTableError, match="cannot be read"):
        reproduce_day(night_at(spark, root), twice_paid[1])


def _grow_old(root: Path, days: int) -> None:
    """Give the logs the times of commits that were made `days` ago."""
    moment = time.time() - days * 86_400
    for file in root.glob("*/_delta_log/*"):
        os.utime(file, (moment, moment))


def _commits(root: Path, table: str) -> list[int]:
    return sorted(int(file.stem) for file in (root / table / "_delta_log").glob("*.json"))


@pytest.fixture
def years_old(spark: SparkSession, twice_paid: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the tables whose logs are a month old, and in which many claims were taken and many runs began."""
    root = Path(shutil.copytree(twice_paid[0], tmp_path / "tables"))
    warehouse = Warehouse(None, root)
    for number in range(COMMITS_PER_CHECKPOINT):
        with claimed(warehouse, "study", DAY, f"study-{number}", timedelta(minutes=5)):
            pass
        run = replace(published_runs(warehouse, days=[DAY])[0], stage="study", run_id=f"study-{number}")
        begin_runs(warehouse, [run])
        forget_run(warehouse, run)
    _grow_old(root, 30)
    return root


def test_logs_of_tables_whose_versions_nobody_names_are_shortened(spark: SparkSession, years_old: Path) -> None:
    root = years_old
    warehouse = Warehouse(spark, root)
    runs, pools = published_runs(warehouse), published_pools(warehouse, DAY)
    versions = {table: range(warehouse.version(table) + 1) for table in ("pool_payouts", "video_signals", "events")}
    before = {
        (table, version): warehouse.read_arrow(table, version=version).num_rows
        for table, own in versions.items()
        for version in own
    }
    planned = {done.table: done.shortened for done in maintain_tables(warehouse, timedelta(days=3650), dry_run=True)}
    assert _commits(root, "stage_runs")[0] == 0, "a dry run removes nothing"

    done = {one.table: one.shortened for one in maintain_tables(Warehouse(None, root), timedelta(days=3650))}

    assert done["stage_runs"] >= planned["stage_runs"] > COMMITS_PER_CHECKPOINT
    assert done["run_claims"] >= planned["run_claims"] > COMMITS_PER_CHECKPOINT
    assert {table for table, files in done.items() if files} <= set(NEVER_NAMED)
    assert _commits(root, "stage_runs")[0] >= COMMITS_PER_CHECKPOINT
    for table in versions:
        assert _commits(root, table)[0] == 0
    warehouse = Warehouse(spark, root)
    for (table, version), rows in before.items():
        assert warehouse.read(table, version=version).count() == rows
        assert DeltaTable(str(root / table), version=version).to_pyarrow_table().num_rows == rows
        assert pl.read_delta(str(root / table), version=version).height == rows
    assert published_runs(warehouse) == runs
    assert published_pools(warehouse, DAY) == pools
    for table in NEVER_NAMED:
        rows = DeltaTable(str(root / table)).to_pyarrow_table().num_rows
        assert warehouse.read(table).count() == pl.read_delta(str(root / table)).height == rows
        (counted,) = duckdb.from_arrow(DeltaTable(str(root / table)).to_pyarrow_dataset()).count("*").fetchall()
        assert counted == (rows,)
    assert all(check.passed for check in verify_day(night_at(spark, root)))


def test_days_are_paid_again_and_reproduced_on_shortened_logs(
    spark: SparkSession, years_old: Path, twice_paid: tuple[Path, str]
) -> None:
    list(maintain_tables(Warehouse(None, years_old), timedelta(days=3650)))

    publish_payouts(night_at(spark, years_old, dry_run=False), republish=True)

    assert all(check.passed for check in verify_day(night_at(spark, years_old)))
    for run in (twice_paid[1], None):
        assert all(check.passed for check in reproduce_day(night_at(spark, years_old), run))


def test_no_ledger_names_a_version_of_a_table_whose_log_is_shortened(twice_paid: tuple[Path, str]) -> None:
    named = named_versions(Warehouse(None, twice_paid[0]), datetime(2000, 1, 1, tzinfo=UTC))

    assert {"events", "pool_payouts"} <= named.keys()
    assert not named.keys() & set(NEVER_NAMED)


def test_logs_stay_as_long_as_a_run_holds_a_claim(years_old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(None, years_old)
    with claimed(warehouse, "ingest", EVERY_DAY, "slow", timedelta(minutes=5)):
        version = warehouse.version("run_claims")
        (claim,) = standing_claims(warehouse)
        early = claim["claimed_at"] - timedelta(days=40)
        warehouse.rewrite_day_records("run_claims", EVERY_DAY, lambda rows, _: [{**rows[0], "claimed_at": early}])
        _grow_old(years_old, 30)

        done = list(maintain_tables(Warehouse(None, years_old), timedelta(days=3650)))

        assert sum(one.shortened for one in done) == 0
        assert _commits(years_old, "run_claims")[0] == 0
        assert warehouse.read_arrow("run_claims", version=version).num_rows == 1


def test_young_logs_are_not_shortened_whatever_is_kept(years_old: Path) -> None:
    _grow_old(years_old, 6)

    assert sum(one.shortened for one in maintain_tables(Warehouse(None, years_old), timedelta(days=1))) == 0
