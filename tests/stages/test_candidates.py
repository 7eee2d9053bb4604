"""The stage `recommend` on a small market of three days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.recommend.frames.markets import draw_market, publish_market

from creatorpool.errors import ConfigurationError, MissingTableError
from creatorpool.runs.ledger import StageRun, published_run
from creatorpool.runs.published_rows import published_rows
from creatorpool.settings import load_settings
from creatorpool.stages.candidates import RECOMMEND, STAGE, publish_candidates
from creatorpool.stages.context import RunContext
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # the job's own test, in tests/integration, runs on both engines

DAY = date(2026, 11, 20)
DAYS = [DAY - timedelta(days=back) for back in (2, 1, 0)]
SETTINGS = ("contracts.data_docs=false", "recommend.neighbours=6", "recommend.candidates=5")


def night(warehouse: Warehouse, *assignments: str, day: date = DAY) -> RunContext:
    return RunContext(warehouse, load_settings(assignments=[*SETTINGS, *assignments]), day)


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("market")
    warehouse = Warehouse(spark, folder / "tables")
    publish_market(warehouse, draw_market(DAYS), folder / "raw")
    return warehouse


@pytest.fixture(scope="module")
def run(tables: Warehouse) -> StageRun:
    return publish_candidates(night(tables))


def rows(warehouse: Warehouse, run: StageRun, table: str) -> list[dict]:
    found = warehouse.read_arrow(table, day=run.day, version=run.outputs[table]).to_pylist()
    return sorted(found, key=lambda row: [row[name] for name in warehouse.contract(table).key])


def test_final_scores_are_the_configured_sum_in_order_of_rank(tables: Warehouse, run: StageRun) -> None:
    found = rows(tables, run, "candidates")
    by_viewer: dict[str, list[dict]] = {}
    for row in found:
        by_viewer.setdefault(row["viewer_id"], []).append(row)

    assert len(by_viewer) == 39
    for own in by_viewer.values():
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert [row["final_score"] for row in own] == sorted((row["final_score"] for row in own), reverse=True)
    for row in found:
        expected = row["similarity_score"] + 0.0001 * row["views"] + 0.5 * row["is_interest"]
        assert row["final_score"] == pytest.approx(expected, rel=1e-12)


def test_seen_and_not_compliant_videos_are_no_candidates(tables: Warehouse, run: StageRun) -> None:
    events = tables.read_arrow("events", ["viewer_id", "video_id"]).to_pylist()
    seen = {(row["viewer_id"], row["video_id"]) for row in events}
    found = rows(tables, run, "candidates")

    assert found
    assert not [row for row in found if (row["viewer_id"], row["video_id"]) in seen or row["video_id"] == "video-002"]
    # Such a video may still be a neighbour of others.
    assert {"video-002"} <= {row["neighbour_id"] for row in rows(tables, run, "item_similarity")}


def test_ledger_has_the_inputs_and_the_counts(tables: Warehouse, run: StageRun) -> None:
    found = rows(tables, run, "candidates")

    assert run.inputs == {"events": 1, "viewers": 1, "videos": 1, "first_day": DAYS[0].isoformat()}
    assert set(run.outputs) == set(STAGE.tables)
    assert run.rows == {
        "item_similarity": len(rows(tables, run, "item_similarity")),
        "candidates": len(found),
        "viewers": 39,
        "similar": sum(row["similarity_score"] > 0 for row in found),
        "of_interest": sum(row["is_interest"] for row in found),
    }
    assert published_rows(tables, "candidates").count() == len(found)


def test_a_second_run_finds_nothing_to_do_and_a_forced_one_writes_the_same(
    tables: Warehouse, run: StageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish_candidates(night(tables)) == run
    assert {table: tables.version(table) for table in STAGE.tables} == run.outputs

    monkeypatch.setattr("creatorpool.stages.runner._is_same", lambda *_: False)
    again = publish_candidates(night(tables))

    assert again.run_id != run.run_id
    for table in STAGE.tables:
        assert rows(tables, again, table) == rows(tables, run, table)


def test_window_limits_the_events(tables: Warehouse, run: StageRun, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="creatorpool"):
        short = publish_candidates(night(tables, "recommend.window_days=1"))

    assert short.inputs["first_day"] == DAY.isoformat()
    assert sum(row["views"] for row in rows(tables, short, "candidates")) < sum(
        row["views"] for row in rows(tables, run, "candidates")
    )
    assert "is not published" not in caplog.text


def test_day_that_is_not_published_is_refused(tables: Warehouse) -> None:
    unknown = DAY + timedelta(days=3)
    with pytest.raises(MissingTableError, match=f"events of {unknown} are not published"):
        publish_candidates(night(tables, day=unknown))
    assert published_run(tables, RECOMMEND, unknown) is None


def test_rule_that_cannot_be_computed_is_refused_before_anything_is_written(tables: Warehouse, run: StageRun) -> None:
    before = {table: tables.version(table) for table in STAGE.tables}

    with pytest.raises(ConfigurationError, match=r"recommend\.interactions\.liked"):
        publish_candidates(night(tables, "recommend.interactions.liked=no_column"))
    assert {table: tables.version(table) for table in STAGE.tables} == before


def test_first_window_names_its_missing_days(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = Warehouse(spark, tmp_path / "tables")
    publish_market(warehouse, draw_market([DAYS[0], DAY]), tmp_path / "raw")

    with caplog.at_level("INFO", logger="creatorpool"):
        found = publish_candidates(night(warehouse))

    assert found.inputs["first_day"] == DAY.isoformat()
    assert f"{DAYS[1]} is not published, so only events since {DAY} count" in caplog.text
