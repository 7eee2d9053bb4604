"""Logs of which a mapping leaves out other days: other zones' days and broken files are noticed, file by file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.ingest.ingest_sources import DAY, good_tables, write_parquet

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.report import IngestReport, TableCounts, refusal
from creatorpool.settings import load_settings
from creatorpool.storage import materialize
from creatorpool.tables import Warehouse

from .test_mapping import GOOD, written

MAPPED = GOOD.replace("    input: log\n", "    input: log\n    other_days: leave_out\n")
SAO_PAULO = "America/Sao_Paulo"


def ingest(warehouse: Warehouse, folder: Path, zone: str, *given: str, days: int = 1, broken: int = 0) -> IngestReport:
    """Ingest files of 24 hours that begin at 03:00 UTC, as days do in Sao Paulo.

    They are of the last `days` days. In the file of the day, `broken` of the 24 lines are cut short.
    """
    source = write_parquet(folder / "source", {k: rows for k, rows in good_tables().items() if k != "events"})
    for back in range(days):
        day = DAY - timedelta(days=back)
        begins = datetime(day.year, day.month, day.day, 3, 30, tzinfo=UTC)
        times = [round((begins + timedelta(hours=hour)).timestamp()) for hour in range(24)]
        lines = [f"viewer-1,video-1,{time},1,0" for time in times]
        cut = broken if day == DAY else 0
        (source / f"plays_{day}.csv").write_text(
            "\n".join(["user,clip,ts,seconds,like", *["viewer-1,video-1"] * cut, *lines[cut:]]) + "\n"
        )
    (source / "clips.csv").write_text("clip,country\nvideo-1,BR\n")
    assignments = [f"ingest.format={written(folder, MAPPED)}", f"ingest.day_timezone={zone}", *given]
    settings = load_settings(assignments=assignments)
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
    report = ingest(warehouse, tmp_path, SAO_PAULO, days=2)

    assert (report.tables["events"].accepted, report.tables["events"].other_day) == (24, 24)
    assert not [warning for warning in report.warnings if "zone" in warning]


@pytest.mark.once
def test_file_of_another_zones_day_is_named_though_other_files_fill_the_day(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    report = ingest(warehouse, tmp_path, "UTC", days=2)

    assert report.tables["events"].accepted == 24
    (warning,) = (warning for warning in report.warnings if "zone" in warning)
    assert warning.startswith(f"events: plays_{DAY}.csv: this looks like the day of another time zone")
    assert "UTC-03:00" in warning


@pytest.mark.parametrize("days", [pytest.param(1, marks=pytest.mark.once), 4])
def test_broken_file_of_the_day_is_refused_however_many_other_files_there_are(
    warehouse: Warehouse, tmp_path: Path, days: int
) -> None:
    with pytest.raises(
        InputError, match=r"2 of 2[0-9] .*(8\.3%|9\.1%).* ingest\.max_quarantined_share 0\.05"
    ) as raised:
        ingest(warehouse, tmp_path, SAO_PAULO, days=days, broken=2)
    assert days == 1 or f"plays_{DAY}.csv" in str(raised.value)
    assert not list(tmp_path.glob("warehouse/*/*"))


@pytest.mark.once
def test_very_many_broken_rows_go_to_quarantine(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialize, "_MATERIALIZED_ROWS", 3)
    report = ingest(warehouse, tmp_path, SAO_PAULO, "ingest.max_quarantined_share=0.5", broken=5)

    assert (report.tables["events"].accepted, report.tables["events"].quarantined) == (19, 5)
    assert warehouse.read("events_quarantine", day=DAY).count() == 5


def test_refused_share_is_one_of_the_days_rows() -> None:
    counts = TableCounts(10_012, 899, quarantined=1, filtered=12, merged=9_000, other_day=100, broken={"readable": 1})

    assert refusal("viewers", vars(counts)) == "1 of 900 delivered viewers (0.1%) were refused: readable 1"
