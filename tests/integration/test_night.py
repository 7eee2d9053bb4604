"""A whole night, also with re-runs, kills, a second run at the same time, and another engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY, Job
from tests.integration.day_tables import TABLES, day_tables
from tests.tolerant import TOLERANT

from creatorpool.runs.pools import published_pools
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.timeout(1200)


def records(root: Path, table: str) -> list[dict]:
    return Warehouse(None, root).read_arrow(table).to_pylist()


def test_night_pays_every_pool_to_the_micro(undisturbed: Path) -> None:
    pools = published_pools(Warehouse(None, undisturbed), DAY)
    payouts = records(undisturbed, "pool_payouts")

    assert len(pools) >= 5
    for category, pool in pools.items():
        paid = sum(row["payout_micros"] for row in payouts if row["category"] == category)
        assert paid == pool.paid_micros
        assert paid + pool.unallocated_micros == pool.pool_micros
        assert pool.max_kkt_residual <= 1e-9  # of the pool


def test_night_totals_add_up_over_pools_videos_and_creators(undisturbed: Path) -> None:
    earned: dict[str, int] = {}
    for row in records(undisturbed, "pool_payouts"):
        earned[row["video_id"]] = earned.get(row["video_id"], 0) + row["payout_micros"]
    videos = records(undisturbed, "video_payouts")
    by_creator: dict[str, int] = {}
    for row in videos:
        assert row["payout_micros"] == earned.pop(row["video_id"], 0)
        assert row["total_micros"] == row["payout_micros"] + row["pulse_micros"]
        by_creator[row["creator_id"]] = by_creator.get(row["creator_id"], 0) + row["total_micros"]

    assert earned == {}
    assert {row["creator_id"]: row["total_micros"] for row in records(undisturbed, "creator_payouts")} == by_creator


def test_night_pulse_revenue_goes_half_to_the_videos_beside_it(undisturbed: Path) -> None:
    beside: dict[str, int] = {}
    for row in records(undisturbed, "ad_revenue"):
        if row["placement"] == "pulse":
            beside[row["video_id"]] = beside.get(row["video_id"], 0) + row["revenue_micros"]

    paid = {
        row["video_id"]: row["pulse_micros"] for row in records(undisturbed, "video_payouts") if row["pulse_micros"]
    }
    assert paid == {video: revenue // 2 for video, revenue in beside.items()}


@pytest.mark.once
def test_night_summary_shows_pools_and_creators(undisturbed: Path, raw_day: Path, job: Job, tmp_path: Path) -> None:
    copy = shutil.copytree(undisturbed, tmp_path / "tables")

    ended = job("allocate_pool.py", "--date", DAY, "--root", copy)

    assert ended.returncode == 0
    for expected in ("Pools", "education", "Gini", "Coverage:", "Top creators", "creator-"):
        assert expected in ended.stdout
    assert f"Report: {copy}/_reports/night-{DAY}.html" in ended.stdout
    page = (copy / "_reports" / f"night-{DAY}.html").read_text()
    assert "education" in page
    assert "src=" not in page, "the page opens from disk, without a network"


def test_rerun_of_a_published_day_changes_nothing(
    undisturbed: Path, raw_day: Path, job: Job, engine: str, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(undisturbed, tmp_path / "tables"))
    tables = Warehouse(None, copy)
    before = {table: tables.version(table) for table in TABLES if tables.exists(table)}

    arguments = ("--date", DAY, "--source", raw_day, "--root", copy, "--set", "allocation.alpha=0.9")
    ended = job("allocate_pool.py", *arguments, engine=engine)

    assert ended.returncode == 0, ended.stderr
    assert "already published: nothing to do" in ended.stderr
    assert "published with another configuration and stay" in ended.stderr
    assert {table: tables.version(table) for table in TABLES if tables.exists(table)} == before


@pytest.mark.once
def test_republish_replaces_payouts_and_keeps_the_history(
    undisturbed: Path, raw_day: Path, job: Job, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(undisturbed, tmp_path / "tables"))
    before = published_pools(Warehouse(None, copy), DAY)

    ended = job("allocate_pool.py", "--date", DAY, "--root", copy, "--republish", "--set", "allocation.alpha=0.9")

    assert ended.returncode == 0, ended.stderr
    after = published_pools(Warehouse(None, copy), DAY)
    assert {pool.alpha for pool in after.values()} == {0.9}
    assert {pool.run_id for pool in after.values()}.isdisjoint(pool.run_id for pool in before.values())
    superseded = [row for row in records(copy, "allocation_runs") if row["status"] == "superseded"]
    assert {row["run_id"] for row in superseded} == {pool.run_id for pool in before.values()}
    for category, pool in after.items():
        paid = sum(row["payout_micros"] for row in records(copy, "pool_payouts") if row["category"] == category)
        assert paid == pool.pool_micros


@pytest.mark.once
def test_dry_run_prints_the_same_pools_and_writes_nothing(
    undisturbed: Path, raw_day: Path, job: Job, tmp_path: Path
) -> None:
    root = tmp_path / "tables"
    assert job("ingest_events.py", "--date", DAY, "--source", raw_day, "--root", root).returncode == 0
    tables = Warehouse(None, root)
    before = {path.name: tables.version(path.name) for path in root.iterdir() if tables.exists(path.name)}

    dry = job("allocate_pool.py", "--date", DAY, "--root", root, "--dry-run")
    raw = job("allocate_pool.py", "--date", DAY, "--root", tmp_path / "none", "--source", raw_day, "--dry-run")
    real = job("allocate_pool.py", "--date", DAY, "--root", shutil.copytree(undisturbed, tmp_path / "published"))

    assert dry.returncode == 0, dry.stderr
    assert {path.name: tables.version(path.name) for path in root.iterdir() if tables.exists(path.name)} == before
    assert "dry run" in dry.stdout
    pools = real.stdout[real.stdout.index("Pools") : real.stdout.index("Report:")]
    assert pools.strip() in dry.stdout
    assert raw.returncode == 0, raw.stderr
    assert pools.strip() in raw.stdout
    assert not (tmp_path / "none").exists()


@pytest.mark.once
def test_dry_run_of_a_published_day_computes_with_the_settings_given_and_writes_nothing(
    undisturbed: Path, job: Job
) -> None:
    before = sorted(undisturbed.rglob("*"))

    given = ("--set", "allocation.alpha=0.7", "--set", "pools.platform_share=0.4")
    ended = job("allocate_pool.py", "--date", DAY, "--root", undisturbed, "--dry-run", *given)

    assert ended.returncode == 0, ended.stderr
    assert "computed, nothing written (dry run)" in ended.stdout
    assert "these settings: pools.platform_share 0.5 → 0.4; allocation.alpha 0.5 → 0.7." in ended.stdout
    paid = sum(pool.paid_micros for pool in published_pools(Warehouse(None, undisturbed), DAY).values())
    (every,) = [line.split("│") for line in ended.stdout.splitlines() if line.startswith("│ all ")]
    assert float(every[4]) == pytest.approx(0.2 * paid / 1e6, abs=0.02)
    for table in ("Pools", "By creator size", "Creators who would gain or lose most"):
        assert table in ended.stdout
    assert sorted(undisturbed.rglob("*")) == before


@pytest.mark.once
def test_two_runs_at_once_end_in_one_published_day_and_one_refusal(
    undisturbed: Path, raw_day: Path, engine: str, tmp_path: Path
) -> None:
    root = tmp_path / "tables"
    script = project_root() / "jobs" / "allocate_pool.py"
    command = [sys.executable, str(script), "--date", str(DAY), "--source", str(raw_day), "--root", str(root)]
    command += ["--set", TOLERANT]
    runs = [
        subprocess.Popen([*command, "--engine", engine], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    messages = [run.communicate(timeout=500)[1] for run in runs]

    codes = sorted(run.returncode for run in runs)
    assert codes == [0, 1], messages
    refusal = messages[[run.returncode for run in runs].index(1)]
    assert "is held by run" in refusal
    assert "Traceback" not in refusal
    assert day_tables(root) == day_tables(undisturbed)


@pytest.mark.engine
def test_both_engines_give_the_same_tables_and_finish_each_others_days(
    undisturbed: Path, raw_day: Path, job: Job, engine: str, tmp_path: Path
) -> None:
    if engine == "embedded":
        pytest.skip("runs once, with the suite on Spark: it takes both engines")
    other = tmp_path / "embedded"
    assert job("ingest_events.py", "--date", DAY, "--source", raw_day, "--root", other).returncode == 0
    begun = Path(shutil.copytree(other, tmp_path / "begun"))
    assert job("allocate_pool.py", "--date", DAY, "--root", other).returncode == 0
    assert job("build_signals.py", "--date", DAY, "--root", begun, engine=engine).returncode == 0
    finished = job("allocate_pool.py", "--date", DAY, "--root", begun, engine=engine)

    assert finished.returncode == 0, finished.stderr
    assert day_tables(other) == day_tables(undisturbed)
    assert day_tables(begun) == day_tables(undisturbed)
    rerun = job("allocate_pool.py", "--date", DAY, "--root", undisturbed, "--republish")
    assert rerun.returncode == 0, rerun.stderr
    assert day_tables(undisturbed)["pool_payouts"] == day_tables(other)["pool_payouts"]
