"""jobs/estimate_incentives.py, run as a scheduler runs it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.cohorts.markets import publish_cohorts
from tests.integration.conftest import Job

from creatorpool.synthetic.cohorts import CohortMarket, CohortSegment, draw_cohorts
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
MARKET = CohortMarket(
    (CohortSegment("comedy", 300), CohortSegment("tiny", 30)), date(2026, 11, 17), 1, 4, slot_hours=0.5
)
SETTINGS = ("--set", "incentives.horizon_days=3", "--set", "incentives.replicates=200")


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohorts")
    publish_cohorts(Warehouse(spark, folder / "tables"), draw_cohorts(MARKET), folder / "raw")
    return folder / "tables"


@pytest.fixture(scope="module")
def published(root: Path, job: Job, engine: str) -> str:
    """The job's output on the engine under test."""
    ended = job("estimate_incentives.py", "--date", DAY, "--root", root, *SETTINGS, engine=engine)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_job_publishes_the_day_and_names_missing_estimates(root: Path, published: str) -> None:
    rows = {row["segment"]: row for row in Warehouse(None, root).read_arrow("cohort_incentives", day=DAY).to_pylist()}

    assert rows["comedy"]["entrants"] == 300
    assert rows["comedy"]["slope_hat_lo"] > 0
    assert rows["tiny"]["bounty_hat"] is None
    assert "too few entrants: 30, at least 200 are needed" in " ".join(published.replace("│", " ").split())


@pytest.mark.once
@pytest.mark.usefixtures("published")
def test_job_run_again_changes_nothing(root: Path, job: Job) -> None:
    version = Warehouse(None, root).version("cohort_incentives")

    again = job("estimate_incentives.py", "--date", DAY, "--root", root, *SETTINGS)

    assert again.returncode == 0, again.stderr
    assert Warehouse(None, root).version("cohort_incentives") == version


@pytest.mark.once
def test_job_over_a_day_that_is_not_published_ends_with_exit_code_2(root: Path, job: Job) -> None:
    ended = job("estimate_incentives.py", "--date", "2026-11-25", "--root", root)

    assert ended.returncode == 2
    assert "events of 2026-11-25 are not published" in ended.stderr
