"""Published rows of many days in one read, also if the latest version has other rows of some days."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.runs.pool_runs import pool_run

from creatorpool.errors import MissingTableError
from creatorpool.runs.published_rows import published_arrow, published_rows
from creatorpool.tables import Warehouse

FIRST, NOW = date(2022, 1, 1), datetime(2026, 11, 20, tzinfo=UTC)
TABLE = "creator_payouts"


def payout(day: date, creator: str, micros: int) -> dict[str, Any]:
    money = {"payout_micros": micros, "pulse_micros": 0, "total_micros": micros}
    return {"date": day, "creator_id": creator, "videos_paid": 1, "currency": "USD", **money}


def publish_days(root: Path, commits: int, days_each: int) -> tuple[Warehouse, dict[date, int]]:
    """Days in many versions; the micros of each day's second creator identify the day."""
    warehouse = Warehouse(None, root)
    published: dict[date, int] = {}
    warehouse.ensure(TABLE)
    for commit in range(commits):
        days = [FIRST + timedelta(days=commit * days_each + n) for n in range(days_each)]
        rows = [payout(day, name, micros) for day in days for name, micros in (("a", 1), ("b", day.toordinal()))]
        version = warehouse.append_records(rows, TABLE)
        published |= dict.fromkeys(days, version)
    rows = [
        pool_run(day=day, run_id=f"r-{day}", outputs={TABLE: version}).as_record() for day, version in published.items()
    ]
    warehouse.append_records(rows, "allocation_runs")
    return warehouse, published


def require_published(warehouse: Warehouse, published: Mapping[date, int], session: SparkSession) -> None:
    expected = (2 * len(published), len(published) + sum(day.toordinal() for day in published))
    arrow = published_arrow(warehouse, TABLE)
    assert (arrow.num_rows, sum(arrow.column("total_micros").to_pylist())) == expected
    rows = published_rows(Warehouse(session, warehouse.root), TABLE)
    assert tuple(rows.agg(F.count("*"), F.sum("total_micros")).collect()[0]) == expected


@pytest.mark.parametrize(
    ("commits", "days_each"), [(40, 5), pytest.param(300, 5, marks=pytest.mark.prove)], ids=["200 days", "1,500 days"]
)
def test_published_rows_of_many_days_are_read_at_once(
    spark: SparkSession, tmp_path: Path, commits: int, days_each: int
) -> None:
    warehouse, published = publish_days(tmp_path, commits, days_each)
    require_published(warehouse, published, spark)

    # Rows that were never published: of published days, and of a day that is not.
    dirty = sorted(published)[::7]
    for day in [*dirty[:20], FIRST - timedelta(days=1)]:
        warehouse.commit(warehouse.stage_records([payout(day, "forged", 10**9)], TABLE, day))

    require_published(warehouse, published, spark)
    session_rows = published_rows(Warehouse(spark, tmp_path), TABLE)
    assert session_rows.where("creator_id = 'forged'").count() == 0


def test_after_compaction_every_day_is_read_from_the_latest_version(spark: SparkSession, tmp_path: Path) -> None:
    warehouse, published = publish_days(tmp_path, 5, 2)
    day = min(published)
    warehouse.append_records([payout(day, "c", 0)], TABLE)  # two files of one day, for compaction

    version = warehouse.version(TABLE)
    assert warehouse.optimize(TABLE)["added"] == 1
    assert not warehouse.changes(TABLE, version + 1, warehouse.version(TABLE)).since(day, version)
    require_published(warehouse, published, spark)


def test_unreadable_day_is_named_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    warehouse, published = publish_days(tmp_path, 4, 2)
    broken = sorted(published)[3]
    Path(warehouse.files(TABLE, day=broken)[0]).write_bytes(b"not a Parquet file")

    with caplog.at_level(logging.WARNING, "creatorpool"):
        found = published_arrow(warehouse, TABLE)

    assert set(found.column("date").to_pylist()) == set(published) - {broken}
    assert f"{TABLE} of {broken} is left out" in caplog.text
    assert published_arrow(warehouse, TABLE, [min(published)]).num_rows == 2
    with pytest.raises(MissingTableError, match=f"of {TABLE} cannot be read"):
        published_arrow(warehouse, TABLE, [broken])
