"""Entrants with known truth in a warehouse, as after an ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from creatorpool.runs.ledger import INGEST, StageRun, publish_run
from creatorpool.synthetic.cohorts import Cohorts, entrants_rows, video_rows
from creatorpool.tables import Warehouse


def frame(spark: SparkSession, rows: pa.Table, folder: Path, name: str) -> DataFrame:
    """`rows` as the engine reads them from a file."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / f"{name}.parquet")
    return spark.read.parquet(str(folder / f"{name}.parquet"))


def publish_cohorts(warehouse: Warehouse, cohorts: Cohorts, scratch: Path, skip: Sequence[date] = ()) -> None:
    """Store the cohorts' rows, and publish the ingestion of each of their days except those in `skip`."""
    assert warehouse.session is not None
    rows = {"events": cohorts.events, "videos": video_rows(cohorts), "entrants": entrants_rows(cohorts)}
    versions = {
        table: warehouse.append(frame(warehouse.session, content, scratch, table), table)
        for table, content in rows.items()
    }
    market = cohorts.market
    days = [market.first_day + timedelta(days=number) for number in range(market.days)]
    for day in days:
        if day not in skip:
            publish_run(warehouse, ingest_run(day, versions))


def ingest_run(day: date, versions: dict[str, int]) -> StageRun:
    """A published ingestion of `day`."""
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    return StageRun(day, INGEST, f"ingest-{day}", "0" * 64, "0", {}, versions, {}, moment, moment)
