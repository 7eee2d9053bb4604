"""Deliveries after faults reported for other tools; each has one right result on every engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.report import IngestReport
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

from .ingest_sources import DAY

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not here: {CASES}")


def _ingest(warehouse: Warehouse, source: Path) -> IngestReport:
    settings = load_settings()
    return ingest_day(
        warehouse,
        source,
        DAY,
        settings=settings.ingest,
        tiers=settings.signals.tiers,
        run_id="run-1",
        ingested_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
    )


def _events(warehouse: Warehouse) -> list[dict[str, Any]]:
    return sorted(warehouse.read_arrow("events").to_pylist(), key=lambda row: str(row["event_id"]))


@pytest.mark.parametrize(
    ("case", "read", "accepted"),
    [
        ("case01_concat_json/day", 120, 120),
        ("case07b_csv_smuggling/day", 100, 100),
        ("case07_quoted_newline", 60, 60),
        ("case05_subfolders/zerobyte", 200, 200),
        ("case17_mixed_gz/day", 120, 120),
    ],
)
def test_case_every_delivered_record_is_read(warehouse: Warehouse, case: str, read: int, accepted: int) -> None:
    report = _ingest(warehouse, CASES / case)
    counts = report.tables["events"]
    assert (counts.read, counts.accepted) == (read, accepted)
    assert warehouse.read_arrow("events").num_rows == accepted


def test_case07b_smuggled_rows_stay_text(warehouse: Warehouse, spark: SparkSession, tmp_path: Path) -> None:
    clean = Warehouse(spark, tmp_path / "clean")
    _ingest(warehouse, CASES / "case07b_csv_smuggling" / "day")
    _ingest(clean, CASES / "case07b_csv_smuggling" / "clean")
    found, expected = ([{**row, "surface": None} for row in _events(tables)] for tables in (warehouse, clean))
    assert found == expected


def test_case03_times_of_other_centuries_are_quarantined_as_they_are(warehouse: Warehouse) -> None:
    counts = _ingest(warehouse, CASES / "case03_int96_sentinels" / "day").tables["events"]
    assert (counts.read, counts.accepted, counts.broken) == (150, 148, {"event_ts_in_window": 2})
    refused = [json.loads(row["raw_row"]) for row in warehouse.read_arrow("events_quarantine").to_pylist()]
    assert {row["event_ts"] for row in refused} == {"9999-12-31 00:00:00", "2611-06-11 11:34:33.709551"}


@pytest.mark.once
@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("case04_delta_folder/day", r"events: .*because it has _delta_log"),
        ("case05_subfolders/mixed", r"events: .*HIVE_UNION_SUBDIR_1 is a folder"),
        ("case05_subfolders/hive", r"events: .*hour=00 is a folder"),
        ("case06_json_array", r"events: .*events\.json is a JSON array. It must have JSON lines"),
        ("case14_spark_confs/day", r"events: .*csv\.gz cannot be read"),
    ],
)
def test_case_that_cannot_be_read_whole_is_refused(warehouse: Warehouse, case: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _ingest(warehouse, CASES / case)
    assert len(str(caught.value)) < 600
    assert not list(Path(str(warehouse.root)).glob("*/*"))
