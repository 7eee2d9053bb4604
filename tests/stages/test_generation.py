"""A day's published state is one generation: one commit changes scores and payouts, with any clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.contracts import stage_tables
from creatorpool.errors import InputError
from creatorpool.runs import identity
from creatorpool.runs.claims import claimed
from creatorpool.runs.ledger import SIGNALS, publish_run, published_run, unfinished_runs
from creatorpool.runs.pools import published_pools
from creatorpool.runs.published import published_version
from creatorpool.runs.published_rows import published_arrow, published_rows
from creatorpool.settings import load_settings
from creatorpool.stages import allocation
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.recovery import recover
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day
from creatorpool.verification.reproduction import reproduce_day

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)
SMOOTHED = ("quality.smoothing=empirical_bayes", "allocation.alpha=0.7")
TABLES = ("video_signals", "video_quality", *stage_tables("allocate"))
NightMaker = Callable[..., RunContext]


def night(spark: SparkSession, root: Path, *assignments: str, dry_run: bool = False) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, DAY, dry_run=dry_run)


@pytest.fixture(scope="module")
def paid_day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paid")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    run = night(spark, folder / "tables")
    publish_ingestion(run, folder / "raw")
    publish_payouts(run)
    return folder / "tables"


@pytest.fixture
def at(spark: SparkSession, paid_day: Path, tmp_path: Path) -> NightMaker:
    """Make a night over a copy of the paid day."""
    root = Path(shutil.copytree(paid_day, tmp_path / "tables"))
    return lambda *assignments, **options: night(spark, root, *assignments, **options)


def seen(tables: Warehouse) -> dict[str, list[str]]:
    """The published rows, by both ways of reading."""
    found = {}
    for table in TABLES:
        rows = sorted(str(row) for row in published_arrow(tables, table).to_pylist())
        names = published_arrow(tables, table).column_names
        by_engine = published_rows(tables, table).select(*names).collect()
        assert len(by_engine) == len(rows)
        found[table] = rows
    return found


def latest(tables: Warehouse) -> dict[str, list[str]]:
    """The rows of each table's latest version."""
    return {table: sorted(str(row) for row in tables.read_arrow(table, day=DAY).to_pylist()) for table in TABLES}


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str, run: RunContext) -> None:
    """Republish `run`'s day, and end like a killed process at the function `name`."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(allocation, name, killed)
        with pytest.raises(KeyboardInterrupt):
            publish_payouts(run, republish=True)


def test_republication_killed_before_its_commit_is_undone_completely(
    at: NightMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = at().warehouse
    before = seen(tables)

    kill_at(monkeypatch, "publish_pools", at(*SMOOTHED))

    assert seen(tables) == before, "readers of published rows see one generation all the time"
    assert latest(tables) != before
    assert {run.stage for run in unfinished_runs(tables)} == {"signals", "allocate"}
    payouts = latest(tables)["pool_payouts"]
    with claimed(tables, "allocate", DAY, "another", timedelta(hours=1)):
        recover(tables, at().log)
        assert latest(tables)["video_signals"] == before["video_signals"]
        assert latest(tables)["pool_payouts"] == payouts, "another run may be publishing them"
    recover(tables, at().log)
    assert latest(tables) == seen(tables) == before
    assert unfinished_runs(tables) == []
    assert all(check.passed for check in verify_day(at(dry_run=True)))


def test_republication_killed_after_its_commit_is_completed(at: NightMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = at().warehouse
    before = seen(tables)

    kill_at(monkeypatch, "publish_run", at(*SMOOTHED))

    after = seen(tables)
    assert all(after[table] != before[table] for table in ("video_quality", "pool_payouts"))
    assert latest(tables) == after
    recover(tables, at().log)
    assert latest(tables) == seen(tables) == after
    assert unfinished_runs(tables) == []
    run = published_run(tables, SIGNALS, DAY)
    assert run is not None
    assert run.run_id == next(iter(published_pools(tables, DAY).values())).run_id
    assert run.outputs["video_quality"] == published_version(tables, "video_quality", DAY)
    assert run.rows["priors"]
    assert all(check.passed for check in verify_day(at(dry_run=True))), "the ledger keeps the configuration"


def test_republication_after_a_killed_one_undoes_the_first(at: NightMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(monkeypatch, "publish_pools", at(*SMOOTHED))

    publish_payouts(at("allocation.alpha=0.6"), republish=True)

    tables = at().warehouse
    assert unfinished_runs(tables) == []
    assert latest(tables) == seen(tables)
    assert all(check.passed for check in verify_day(at(dry_run=True)))


def test_republication_under_a_clock_that_is_behind_is_the_latest(
    at: NightMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = published_run(at().warehouse, SIGNALS, DAY)
    honest = identity.now
    for module in ("runs.claims", "stages.context", "stages.allocation"):
        monkeypatch.setattr(f"creatorpool.{module}.now", lambda: honest() - timedelta(days=2))
    run = at(*SMOOTHED)
    run.started_at = honest() - timedelta(days=2)

    publish_payouts(run, republish=True)

    tables = run.warehouse
    newer = published_run(tables, SIGNALS, DAY)
    assert first is not None
    assert newer is not None
    assert newer.finished_at < first.finished_at
    assert newer.run_id == run.run_id
    statuses = [row["status"] for row in tables.read_arrow("stage_runs", day=DAY).to_pylist()]
    assert sorted(statuses) == ["published", "published", "superseded"]
    assert latest(tables) == seen(tables)


def test_verify_and_reproduce_need_no_file_of_the_configuration(at: NightMaker) -> None:
    publish_payouts(at(*SMOOTHED), republish=True)

    assert all(check.passed for check in verify_day(at(dry_run=True)))
    assert all(check.passed for check in reproduce_day(at(dry_run=True)))


def test_republishing_some_pools_after_late_events_is_refused(at: NightMaker) -> None:
    run = at()
    events = run.warehouse.read("events", day=DAY).limit(5)
    late = events.withColumn("event_id", events.event_id.substr(1, 3))
    version = run.warehouse.append(late.dropDuplicates(["event_id"]), "events")
    ingest = published_run(run.warehouse, "ingest", DAY)
    assert ingest is not None
    ingest.outputs["events"] = version  # type: ignore[index]
    publish_run(run.warehouse, ingest)
    category = sorted(published_pools(run.warehouse, DAY))[0]
    before = seen(run.warehouse)

    with pytest.raises(InputError, match="use --republish without --category"):
        publish_payouts(at(), [category], republish=True)

    assert seen(run.warehouse) == before
