"""A published day is reproduced from the versions that its run read, before and after maintenance."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError, MissingTableError
from creatorpool.runs.pools import day_outputs, pools_of_run, published_pools
from creatorpool.runs.published_rows import published_rows
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
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
