"""jobs/plan_delivery.py, run as a scheduler runs it, on ingested days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.delivery.markets import write_delivery
from tests.integration.conftest import Job
from tests.tolerant import TOLERANT

from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic.delivery import DeliveryMarket, draw_delivery, write_delivery_days
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
DAYS = 21
SETTINGS = ("--set", "delivery.plan_contents=4")
MARKET = DeliveryMarket(12, DAY - timedelta(days=DAYS - 1), DAYS, seed=5)


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivery")
    write_delivery(Warehouse(spark, folder / "tables"), draw_delivery(MARKET), folder / "raw")
    return folder / "tables"


@pytest.fixture(scope="module")
def published(root: Path, job: Job, engine: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The job's output on the engine under test, and its chart."""
    chart = tmp_path_factory.mktemp("charts") / "content.html"
    wanted = ("--content", "content-000003", "--chart", chart, "--frontier", *SETTINGS)
    ended = job("plan_delivery.py", "--date", DAY, "--root", root, *wanted, engine=engine)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, chart


def test_job_publishes_every_content_and_prints_the_errors_of_the_curves(
    root: Path, published: tuple[str, Path]
) -> None:
    rows = Warehouse(None, root).read_arrow("p2c_parameters", day=DAY).to_pylist()
    assert len(rows) == 24
    assert sum(row["converged"] for row in rows) >= 20
    assert "Response curves by category" in published[0]
    plan = Warehouse(None, root).read_arrow("delivery_plan", day=DAY).to_pylist()
    assert sum(row["impressions"] for row in plan) > 0
    assert "expected views" in published[0]


@pytest.mark.once
def test_job_draws_the_requested_content(published: tuple[str, Path]) -> None:
    page = published[1].read_text("utf-8")
    assert "content-000003" in page
    assert "smoothed rate" in page
    assert "content-000004" not in page


@pytest.mark.once
def test_job_draws_the_frontier(root: Path, published: tuple[str, Path]) -> None:
    assert "variance of click rates" in (root / "_reports" / f"delivery-frontier-{DAY}.html").read_text("utf-8")


@pytest.mark.once
@pytest.mark.usefixtures("published")
def test_job_run_again_changes_nothing_and_an_unknown_content_is_named(root: Path, job: Job) -> None:
    version = Warehouse(None, root).version("p2c_parameters")
    again = job("plan_delivery.py", "--date", DAY, "--root", root, "--content", "nobody", *SETTINGS)
    assert again.returncode == 2
    assert "content 'nobody' has no curve of 2026-11-20" in again.stderr
    assert Warehouse(None, root).version("p2c_parameters") == version


@pytest.mark.once
def test_ingestion_brings_exposures_positions_and_guarantees_into_their_tables(
    spark: SparkSession, tmp_path: Path
) -> None:
    market = DeliveryMarket(8, DAY, 1)
    truth = write_delivery_days(tmp_path / "raw", market)
    warehouse = Warehouse(spark, tmp_path / "tables")
    publish_ingestion(
        RunContext(warehouse, load_settings(assignments=["contracts.data_docs=false", TOLERANT]), DAY),
        tmp_path / "raw" / str(DAY),
    )

    run = published_run(warehouse, INGEST, DAY)
    assert run is not None
    assert {"content_exposure", "drawer_positions", "delivery_guarantees"} <= set(run.outputs)
    rows = warehouse.read_arrow("content_exposure", day=DAY).to_pylist()
    shown = {(row["content_id"], row["drawer"]): (row["pv"], row["click"], row["view"]) for row in rows}
    for content, name in enumerate(truth.content_id):
        for drawer, place in enumerate(truth.drawers):
            counts = (truth.pv, truth.click, truth.view)
            assert shown[name, place] == tuple(part[content, drawer, 0] for part in counts)
    assert warehouse.read_arrow("drawer_positions").num_rows == 16
