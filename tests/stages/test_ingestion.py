"""An ingestion that does not publish leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.errors import ContractViolationError, InputError, RunInProgressError
from creatorpool.ingest.pseudonyms import KEY_VARIABLE
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.ledger import INGEST, publish_run, published_run
from creatorpool.settings import load_settings
from creatorpool.stages import ingestion
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)


def night(spark: SparkSession, root: Path, day: date = DAY) -> RunContext:
    return RunContext(Warehouse(spark, root), load_settings(assignments=["contracts.data_docs=false"]), day)


def delivery(folder: Path, seed: int, day: date = DAY) -> Path:
    generate_day(folder, day, SyntheticMarket(seed=seed, n_events=400, dirty_share=0.0))
    return folder


def stored_ids(warehouse: Warehouse, table: str = "events", key: str = "event_id") -> set[str]:
    return set(warehouse.read_arrow(table, [key]).column(key).to_pylist())


def test_ingestion_that_fails_after_its_writes_is_undone(spark: SparkSession, tmp_path: Path, monkeypatch) -> None:
    run = night(spark, tmp_path / "a table root")  # with a blank in its name
    source = delivery(tmp_path / "raw", 1)

    def broken(rows: object, table: str) -> None:
        if table == "events":
            raise ContractViolationError("events: broken on purpose")

    monkeypatch.setattr(run, "check", broken)
    with pytest.raises(ContractViolationError):
        publish_ingestion(run, source)

    assert published_run(run.warehouse, INGEST, DAY) is None
    assert stored_ids(run.warehouse) == set()
    assert stored_ids(run.warehouse, "videos", "video_id") == set()


def test_corrected_delivery_after_a_killed_run_replaces_its_rows(
    spark: SparkSession, tmp_path: Path, monkeypatch
) -> None:
    root, first, corrected = tmp_path / "tables", delivery(tmp_path / "first", 1), delivery(tmp_path / "second", 2)
    before = night(spark, root, DAY - timedelta(days=1))
    publish_ingestion(before, delivery(tmp_path / "before", 3, DAY - timedelta(days=1)))
    kept = stored_ids(before.warehouse)
    # A run that is killed between its last write and its publication undoes nothing itself.
    publish = publish_run
    monkeypatch.setattr(ingestion, "publish_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        publish_ingestion(night(spark, root), first)
    monkeypatch.setattr(ingestion, "publish_run", publish)
    left = stored_ids(before.warehouse) - kept
    assert left

    publish_ingestion(night(spark, root), corrected)

    clean = night(spark, tmp_path / "clean")
    publish_ingestion(clean, corrected)
    assert stored_ids(before.warehouse) == kept | stored_ids(clean.warehouse)
    statuses = before.warehouse.read_arrow("stage_runs", ["status"], day=DAY).column("status").to_pylist()
    assert sorted(statuses) == ["failed", "published"]


def test_published_ingestion_under_other_settings_stays_and_the_log_names_them(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root, source = tmp_path / "tables", delivery(tmp_path / "raw", 1)
    first = night(spark, root)
    ingested = publish_ingestion(first, source)
    assert ingested is not None
    again = night(spark, root)
    again.settings = again.settings.model_copy(
        update={"ingest": again.settings.ingest.model_copy(update={"late_window_days": 1, "source": str(source)})}
    )

    with caplog.at_level("WARNING", "creatorpool"):
        publish_ingestion(night(spark, root), source)
        run = publish_ingestion(again, source)

    assert run == ingested
    (warning,) = (record.getMessage() for record in caplog.records if record.name == "creatorpool")
    assert "stays as it is: ingest.late_window_days 2 → 1 in this run." in warning


def test_ingestion_while_another_day_is_ingested_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    run = night(spark, tmp_path / "tables")
    source = delivery(tmp_path / "raw", 1)

    with (
        claimed(run.warehouse, INGEST, EVERY_DAY, "other", timedelta(hours=1)),
        pytest.raises(RunInProgressError, match="held by run other"),
    ):
        publish_ingestion(run, source)


def test_ingestion_that_another_run_published_is_not_repeated(spark: SparkSession, tmp_path: Path, monkeypatch) -> None:
    source = delivery(tmp_path / "raw", 1)
    winner = publish_ingestion(night(spark, tmp_path / "tables"), source)
    looks = iter([None])
    honest = published_run
    monkeypatch.setattr(ingestion, "published_run", lambda *where: next(looks, honest(*where)))

    late = night(spark, tmp_path / "tables")
    version = late.warehouse.version("events")

    assert publish_ingestion(late, source) == winner
    assert late.warehouse.version("events") == version


def test_other_days_have_the_same_time_zone(spark: SparkSession, tmp_path: Path) -> None:
    run, later = night(spark, tmp_path / "tables"), DAY + timedelta(days=1)
    publish_ingestion(run, delivery(tmp_path / "raw", 1))
    tokyo = in_zone(night(spark, tmp_path / "tables", later), "Asia/Tokyo")

    with pytest.raises(InputError, match=f"day_timezone: {DAY} was ingested by the clocks of UTC.*Asia/Tokyo"):
        publish_ingestion(tokyo, delivery(tmp_path / "later", 2, later))
    assert published_run(run.warehouse, INGEST, later) is None


def test_results_of_rules_on_rows_are_in_the_ledger_of_rules(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    truth = generate_day(folder, DAY, SyntheticMarket(seed=1, n_events=1_000, n_videos=200))
    run = night(spark, tmp_path / "tables")

    publish_ingestion(run, folder)

    rows = run.warehouse.read_arrow("contract_results", day=DAY).to_pylist()
    assert len({(row["contract"], row["rule"], row["run_id"]) for row in rows}) == len(rows)
    failed = {(row["contract"], row["rule"]): row["rows_failed"] for row in rows if not row["passed"]}
    events = {rule: number for (contract, rule), number in failed.items() if contract == "events"}
    # A propensity that is no number is not in its range either.
    assert events == {**truth.faults["events"], "propensity_in_range": 2}
    assert {rule for contract, rule in failed if contract == "videos"} == set(truth.faults["videos"]) | {
        "s_pos_in_range"
    }
    assert {row["rule"] for row in rows if row["contract"] == "viewers"} >= {"trust_tier_known", "key_unique"}


def test_days_of_one_root_are_hashed_under_one_key(
    spark: SparkSession, tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    key, later = "one key of more than 32 characters", DAY + timedelta(days=1)
    monkeypatch.setenv(KEY_VARIABLE, key)
    caplog.set_level("DEBUG")
    first = hashing(night(spark, tmp_path / "tables"))
    publish_ingestion(first, delivery(tmp_path / "first", 1))
    second = hashing(night(spark, tmp_path / "tables", later))

    monkeypatch.setenv(KEY_VARIABLE, key + "!")
    with pytest.raises(InputError, match=f"{DAY}.*{KEY_VARIABLE}"):
        publish_ingestion(second, delivery(tmp_path / "second", 2, later))
    plain = night(spark, tmp_path / "tables", later)
    with pytest.raises(InputError, match="as delivered"):
        publish_ingestion(plain, tmp_path / "second")
    assert published_run(first.warehouse, INGEST, later) is None

    monkeypatch.setenv(KEY_VARIABLE, key)
    publish_ingestion(second, tmp_path / "second")
    shown = str(published_run(first.warehouse, INGEST, later)) + caplog.text
    assert key not in shown


def in_zone(run: RunContext, zone: str) -> RunContext:
    ingest = run.settings.ingest.model_copy(update={"day_timezone": zone})
    return replace(run, settings=run.settings.model_copy(update={"ingest": ingest}))


def hashing(run: RunContext) -> RunContext:
    ingest = run.settings.ingest.model_copy(update={"hash_viewer_ids": True})
    return replace(run, settings=run.settings.model_copy(update={"ingest": ingest}))
