"""Two small paid days at the end of a month, for what happens to their money later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.stages.settled_days import DAY, MARKET, SERVICE_DAYS, Books

from creatorpool.stages import booking_days
from creatorpool.synthetic.day import generate_day


@pytest.fixture(scope="session")
def paid_days(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a root in which both days are ingested and paid; tests copy it.

    Beside it are the days' deliveries, and `first-day`, the same root before the second night.
    """
    folder = tmp_path_factory.mktemp("paid-days")
    books = Books(spark, folder / "tables", folder)
    for day in SERVICE_DAYS:
        generate_day(folder / f"raw-{day}", day, MARKET)
        books.night(day, folder / f"raw-{day}")
        if day == DAY:
            shutil.copytree(books.root, folder / "first-day")
    return books.root


@pytest.fixture
def books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> Books:
    """The books over a copy of the paid days."""
    return Books(spark, Path(shutil.copytree(paid_days, tmp_path / "tables")), tmp_path)


@pytest.fixture
def later_clock() -> Iterator[None]:
    """Sets the clock to a day of the next year: the month after the paid days is over, and may be closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(booking_days, "now", lambda: datetime(2027, 1, 15, 12, tzinfo=UTC))
        yield
