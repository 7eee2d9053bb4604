"""Two small paid days at the end of a month, for what happens to their money later."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.stages.settled_days import MARKET, SERVICE_DAYS, Books

from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic.day import generate_day


@pytest.fixture(scope="session")
def paid_days(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a root in which both days are ingested and paid; tests copy it."""
    folder = tmp_path_factory.mktemp("paid-days")
    books = Books(spark, folder / "tables", folder)
    for day in SERVICE_DAYS:
        generate_day(folder / f"raw-{day}", day, MARKET)
        run = books.at(day)
        publish_ingestion(run, folder / f"raw-{day}")
        publish_payouts(run)
    return books.root


@pytest.fixture
def books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> Books:
    """The books over a copy of the paid days."""
    return Books(spark, Path(shutil.copytree(paid_days, tmp_path / "tables")), tmp_path)
