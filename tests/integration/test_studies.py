"""The frontier, the comparison of rules and the integrity audit, run as jobs over a night's tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.integration.conftest import DAY, Job

from creatorpool.runs.ledger import published_run
from creatorpool.runs.pools import published_pools
from creatorpool.tables import Warehouse


@pytest.fixture
def tables(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of a night's tables."""
    return Path(shutil.copytree(undisturbed, tmp_path / "tables"))


def rows_of(root: Path, table: str) -> list[dict]:
    return Warehouse(None, root).read_arrow(table, day=DAY).to_pylist()


def test_sweep_frontier_publishes_its_table_and_prints_the_lambda_of_the_target(
    tables: Path, job: Job, engine: str
) -> None:
    ended = job(
        *("sweep_frontier.py", "--date", DAY, "--root", tables, "--target", "gini=0.6"),
        *("--set", "frontier.alpha=[0.5]", "--set", "frontier.lambda_eff=[0, 0.5, 1]"),
        engine=engine,
    )

    assert ended.returncode == 0, ended.stderr
    assert "Where gini=0.6 is reached" in ended.stdout
    ledger = published_pools(Warehouse(None, tables), DAY)
    published = {row["category"]: row for row in rows_of(tables, "allocation_frontier") if row["is_published"]}
    assert {name: row["gini"] for name, row in published.items()} == {
        name: pytest.approx(pool.gini) for name, pool in ledger.items() if pool.paid_micros
    }
    assert published_run(Warehouse(None, tables), "frontier", DAY) is not None


def test_compare_rules_closes_every_rule_to_the_micro(tables: Path, job: Job, engine: str) -> None:
    ended = job("compare_rules.py", "--date", DAY, "--root", tables, engine=engine)

    assert ended.returncode == 0, ended.stderr
    assert "user_centric" in ended.stdout
    rows = rows_of(tables, "rule_comparison")
    assert len(rows) == 5 * len(published_pools(Warehouse(None, tables), DAY))
    assert all(row["paid_micros"] == row["pool_micros"] for row in rows)
    assert {row["rule"] for row in rows if row["moved_micros"] == 0} == {"creatorpool"}


def test_audit_integrity_of_one_pool_measures_attacks_on_it(tables: Path, job: Job, engine: str) -> None:
    ended = job(
        *("audit_integrity.py", "--date", DAY, "--root", tables, "--category", "music"),
        *("--set", "integrity.fake_viewers=[5]", "--set", "integrity.unverified_weights=[0.4]"),
        engine=engine,
    )

    assert ended.returncode == 0, ended.stderr
    assert "Most exploitable videos" in ended.stdout
    rows = rows_of(tables, "integrity_audit")
    assert {row["category"] for row in rows} == {"music"}
    assert {row["rule"] for row in rows} == {"creatorpool", "pro_rata", "user_centric", "scaled_user", "equal"}
    assert {row["gain_micros"] for row in rows if row["rule"] == "equal"} == {0}


@pytest.mark.once
def test_whatif_shows_settings_side_by_side_and_writes_its_chart_alone(tables: Path, job: Job, engine: str) -> None:
    before = {path for path in tables.rglob("*") if path.is_file()}

    settings = ("allocation.alpha=0.7", "quality.smoothing=empirical_bayes; allocation.objective=log")
    ended = job("whatif.py", "--date", DAY, "--root", tables, *settings, engine=engine)

    assert ended.returncode == 0, ended.stderr
    for words in (
        "published",
        "allocation.alpha=0.7: allocation.alpha 0.5 → 0.7.",
        "quality.smoothing none → empirical_bayes; allocation.objective linear → log.",
        "By creator size",
        "Creators who would gain or lose most",
    ):
        assert words in ended.stdout
    written = {path for path in tables.rglob("*") if path.is_file()} - before
    assert {path.name for path in written} == {f"whatif-{DAY}.html"}


@pytest.mark.parametrize("script", ["sweep_frontier.py", "compare_rules.py", "audit_integrity.py"])
def test_study_of_an_unpublished_day_ends_with_bad_input(tmp_path: Path, job: Job, script: str) -> None:
    ended = job(script, "--date", DAY, "--root", tmp_path)

    assert ended.returncode == 2
    assert f"payouts of {DAY} are not published" in ended.stderr


@pytest.mark.parametrize("arguments", [("--target", "gini=7"), ("--chart", "frontier.doc"), ("--tarjet", "gini=0.6")])
def test_sweep_frontier_with_invalid_arguments_ends_with_bad_input(
    tmp_path: Path, job: Job, arguments: tuple[str, ...]
) -> None:
    assert job("sweep_frontier.py", "--date", DAY, "--root", tmp_path, *arguments).returncode == 2
