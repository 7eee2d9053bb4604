"""The mapping of KuaiRand makes the rows that its reader made before mappings existed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.ingest.day import ingest_day
from creatorpool.settings import Settings, load_settings
from creatorpool.settlement.frames.conversion import CONVERSION_COLUMNS
from creatorpool.tables import Warehouse

DAY = date(2022, 4, 10)
FINGERPRINTS = {
    "events": "24dcec43d2a5df1c",
    "viewers": "fbfa709eda6b7f3f",
    "videos": "ee2b4cf7fbfc5459",
    "ad_revenue": "d1d91eece187f1d1",
}
"""SHA-256 of the rows of 10 April 2022, shortened, from the reader of version 0.2.0"""


def fingerprint(warehouse: Warehouse, table: str) -> str:
    columns = [name for name in warehouse.contract(table).column_names if name not in CONVERSION_COLUMNS]
    stored = warehouse.read_arrow(table, columns).to_pylist()
    rows = sorted(json.dumps(row, default=str, sort_keys=True) for row in stored)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


@pytest.mark.once
def test_mapped_logs_give_the_rows_of_the_former_reader(kuairand: Path, spark: SparkSession, tmp_path: Path) -> None:
    settings: Settings = load_settings((), ["ingest.format=kuairand", "ingest.max_quarantined_share=0.5"])
    warehouse = Warehouse(spark, tmp_path / "tables")

    report = ingest_day(
        warehouse,
        kuairand,
        DAY,
        settings=settings.ingest,
        tiers=settings.signals.tiers,
        run_id="run",
        ingested_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert {table: fingerprint(warehouse, table) for table in FINGERPRINTS} == FINGERPRINTS
    events = report.tables["events"]
    assert (events.read, events.accepted, events.duplicates, events.quarantined, events.other_day) == (
        22_381,
        2_728,
        9,
        637,
        19_007,
    )
