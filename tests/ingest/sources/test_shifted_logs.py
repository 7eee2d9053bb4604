"""Logs of which a mapping leaves out other days: a day of another time zone is refused, and shares count rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.ingest.ingest_sources import DAY, good_tables, write_parquet

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.report import IngestReport, TableCounts, refusal
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

from .test_mapping import GOOD, written

MAPPED = GOOD.replace("    input: log\n", "    input: log\n    other_days: leave_out\n")


def ingest(warehouse: Warehouse, folder: Path, zone: str) -> IngestReport:
    """Ingest a file whose 24 hours begin at 03:00 UTC, as the day does in Sao Paulo."""
    source = write_parquet(folder / "source", {k: rows for k, rows in good_tables().items() if k != "events"})
    begins = datetime(DAY.year, DAY.month, DAY.day, 3, 30, tzinfo=UTC)
    times = [round((begins + timedelta(hours=hour)).timestamp()) for hour in range(24)]
    lines = [f"viewer-1,video-1,{time},1,0" for time in times]
    (source / "plays_1.csv").write_text("\n".join(["user,clip,ts,seconds,like", *lines]) + "\n")
    (source / "clips.csv").write_text("clip,country\nvideo-1,BR\n")
    settings = load_settings(assignments=[f"ingest.format={written(folder, MAPPED)}", f"ingest.day_timezone={zone}"])
    return ingest_day(
        warehouse,
        source,
        DAY,
        settings=settings.ingest,
        tiers=settings.signals.tiers,
        run_id="run-1",
        ingested_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
    )


def test_log_of_another_zones_day_is_refused_with_the_clocks_that_fit(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 of 24 events are of other days .*another time zone.*UTC-03:00"):
        ingest(warehouse, tmp_path, "UTC")
    assert not list(tmp_path.glob("warehouse/*/*"))


def test_log_of_the_platforms_day_is_ingested_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    counts = ingest(warehouse, tmp_path, "America/Sao_Paulo").tables["events"]

    assert (counts.accepted, counts.other_day) == (24, 0)


def test_refused_share_is_one_of_the_days_rows() -> None:
    counts = TableCounts(10_012, 899, quarantined=1, filtered=12, merged=9_000, other_day=100, broken={"readable": 1})

    assert refusal("viewers", vars(counts)) == "1 of 900 delivered viewers (0.1%) were refused: readable 1"
