"""jobs/build_candidates.py, run as a scheduler runs it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.conftest import Job
from tests.recommend.frames.markets import draw_market, publish_market

from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    publish_market(Warehouse(spark, folder / "tables"), draw_market([DAY]), folder / "raw")
    return folder / "tables"


@pytest.fixture(scope="module")
def printed(root: Path, job: Job, engine: str) -> str:
    """The job's output on the engine under test."""
    ended = job("build_candidates.py", "--date", DAY, "--root", root, engine=engine)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_job_publishes_the_day_and_prints_its_content(root: Path, printed: str) -> None:
    tables = Warehouse(None, root)
    similar, found = (tables.read_arrow(table, day=DAY) for table in ("item_similarity", "candidates"))

    assert similar.num_rows > 100
    assert len(set(found["viewer_id"].to_pylist())) == 39
    assert f"{found.num_rows:,}" in printed
    assert "in a category of interest" in printed


@pytest.mark.once
def test_job_over_a_day_that_is_not_published_ends_with_exit_code_2(root: Path, job: Job) -> None:
    ended = job("build_candidates.py", "--date", "2026-11-25", "--root", root)

    assert ended.returncode == 2
    assert "events of 2026-11-25 are not published" in ended.stderr
