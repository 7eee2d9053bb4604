"""Hostile, broken or oddly named deliveries, in whole ingestions on every engine."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.delivery import require_files
from creatorpool.ingest.native import read_native
from creatorpool.ingest.pseudonyms import Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.report import IngestReport
from creatorpool.ingest.staging import staging_folder
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

from .ingest_sources import (
    DAY,
    as_json,
    good_event,
    good_revenue,
    good_tables,
    good_viewer,
    source_schema,
    write_csv,
    write_json,
    write_parquet,
)

KEY = "of more than thirty-two characters"


def ingest(
    warehouse: Warehouse, source: Path, day: date = DAY, *, hash_key: str | None = None, **changes: Any
) -> IngestReport:
    settings = load_settings(assignments=[TOLERANT])
    return ingest_day(
        warehouse,
        source,
        day,
        settings=settings.ingest.model_copy(update=changes),
        tiers=settings.signals.tiers,
        run_id="run-1",
        ingested_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
        hash_key=hash_key,
    )


def refused(warehouse: Warehouse, table: str = "events") -> list[tuple[str, list[str]]]:
    rows = warehouse.read_arrow(f"{table}_quarantine").to_pylist()
    return sorted((row["raw_row"], row["failed_rules"]) for row in rows)


def test_rows_beyond_the_bounds_go_to_quarantine_shortened(warehouse: Warehouse, tmp_path: Path) -> None:
    many = json.dumps({f"key-{number}": number for number in range(50)})
    long = as_json(good_event(8)) + " " * 3_000
    tables: dict[str, list[Any]] = good_tables()
    source = write_json(tmp_path / "source", tables | {"events": [*tables["events"], many, long]})
    report = ingest(warehouse, source, max_row_bytes=2_000, max_row_keys=20)
    counts = report.tables["events"]
    assert (counts.read, counts.accepted, counts.broken) == (8, 6, {"row_readable": 2})
    assert {len(raw) for raw, _ in refused(warehouse)} == {len(many), 1_000}


def test_csv_records_that_cannot_be_read_are_quarantined_unchanged(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source", good_tables() | {"events": [good_event(1), good_event(2, watch_ms=-1)]})
    with (source / "events" / "part-0.csv").open("a") as out:
        out.write('e99,"too\nfew"\n')
    counts = ingest(warehouse, source, max_quarantined_share=0.9).tables["events"]
    assert (counts.read, counts.accepted) == (3, 1)
    (malformed, rules), (broken, others) = refused(warehouse)
    assert (malformed, rules) == ('e99,"too\\nfew"', ["row_readable"])
    assert others == ["watch_ms_in_range"]
    assert (json.loads(broken)["event_id"], json.loads(broken)["watch_ms"]) == ("e2", "-1")


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.once) for name in ("night shift", "Müsik-日本", "back\\slash")),
        *("rev#1 100%25", "a[1]{b}*?", "date=2026-11-20"),
    ],
)
def test_source_of_any_name_is_read_alike(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    source = write_parquet(tmp_path / name / "day", good_tables())
    decoy = tmp_path / "a1b" / "day"
    write_parquet(decoy, good_tables(3))
    (source / "events").mkdir()
    (source / "events.parquet").rename(source / "events" / f"{name}.parquet")
    assert ingest(warehouse, source).tables["events"].accepted == 6
    assert [entry.name for entry in Path(str(warehouse.root)).iterdir() if entry.name.startswith("_")] == []


@pytest.mark.parametrize("write", [write_csv, pytest.param(write_json, marks=pytest.mark.once)])
def test_text_under_an_odd_name_is_read(warehouse: Warehouse, tmp_path: Path, write: Any) -> None:
    source = write(tmp_path / "a[1]* b\n日%20" / "day", good_tables())
    assert ingest(warehouse, source).tables["events"].accepted == 6


def test_staging_is_beside_the_tables_and_is_removed(tmp_path: Path) -> None:
    with staging_folder(tmp_path / "tables", "dead-run") as left:
        left.mkdir(parents=True)
        with staging_folder(tmp_path / "tables", "run") as folder:
            assert folder.parent == tmp_path / "tables" / "_staging"
            assert not left.exists()
            folder.mkdir(parents=True)
    assert not folder.exists()


def test_empty_parts_have_no_rows_and_an_empty_table_none(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source", good_tables())
    (source / "events" / "part-2.csv").touch()
    (source / "events" / "part-3.csv.gz").touch()
    (source / "entrants.csv").touch()
    report = ingest(warehouse, source)
    assert (report.tables["events"].accepted, report.tables["entrants"].read) == (6, 0)
    for part in (source / "events").iterdir():
        part.write_bytes(b"")
    with pytest.raises(InputError, match=f"no acceptable event of {DAY.replace(day=19)} among 0 rows"):
        ingest(warehouse, source_of_day(source, tmp_path / "next"), DAY.replace(day=19))


def source_of_day(source: Path, copy: Path) -> Path:
    """A copy of `source` with revenue of the day before."""
    shutil.copytree(source, copy)
    shutil.rmtree(copy / "ad_revenue")
    write_parquet(copy, {"ad_revenue": [good_revenue(date=DAY.replace(day=19))]})
    return copy


@pytest.mark.once
def test_entries_that_no_table_reads_are_named(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "source", good_tables())
    (source / "creator.csv").write_text("misspelt")
    (warning,) = ingest(warehouse, source).warnings
    assert warning == f"{source} has 1 entries that belong to no table: ['creator.csv']"


def test_parquet_times_beyond_the_calendar_are_quarantined(warehouse: Warehouse, tmp_path: Path) -> None:
    tables = good_tables()
    source = write_parquet(tmp_path / "source", tables)
    moments = pa.array([r["event_ts"] for r in tables["events"][:4]], pa.timestamp("us", "UTC")).cast(pa.int64())
    odd = pa.array([*moments.to_pylist(), 2**58, -(2**57)]).cast(pa.timestamp("us", "UTC"))
    rows = pa.Table.from_pylist(tables["events"], schema=source_schema("events"))
    rows = rows.set_column(rows.column_names.index("event_ts"), "event_ts", odd)
    pq.write_table(rows, source / "events.parquet")
    counts = ingest(warehouse, source).tables["events"]
    assert counts.accepted == 4
    assert counts.broken == {"event_ts_readable": 2, "event_ts_not_null": 2}
    assert len(warehouse.read_arrow("events_quarantine").to_pylist()) == 2


def test_damaged_parquet_pages_are_an_input_error(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "source", good_tables(500))
    path = source / "events.parquet"
    content = bytearray(path.read_bytes())
    content[4:3_000] = b"\xff" * 2_996
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"events: .*events\.parquet is damaged"):
        ingest(warehouse, source)


@pytest.mark.once
@pytest.mark.parametrize("day", [date(1, 1, 1), date(1, 1, 2)])
def test_day_without_days_before_it_is_refused(warehouse: Warehouse, tmp_path: Path, day: date) -> None:
    with pytest.raises(InputError, match=r"ingest\.late_window_days"):
        ingest(warehouse, tmp_path, day)


@pytest.mark.parametrize("write", [write_csv, write_json, write_parquet])
def test_staged_files_hold_hashed_ids_only(spark: SparkSession, tmp_path: Path, write: Any) -> None:
    tables: dict[str, list[Any]] = good_tables()
    if write is write_json:
        tables["events"] = [*tables["events"], as_json(good_event(7))[:-9]]
    source = write(tmp_path / "source", tables)
    if write is write_parquet:  # with a type that must be copied
        rows = pq.read_table(source / "events.parquet")
        place = rows.column_names.index("viewer_id")
        pq.write_table(
            rows.set_column(place, "viewer_id", rows["viewer_id"].dictionary_encode()), source / "events.parquet"
        )
    reading = Reading(spark, tmp_path / "staging", load_settings().ingest, Pseudonyms(KEY))
    parts = read_native(reading, require_files(source, "events"), load_contract("events")).parts
    staged = list((tmp_path / "staging").iterdir())
    assert staged
    assert all("viewer-" not in str(pq.read_table(path).to_pydict()) for path in staged)
    shown = str([row.asDict() for part in parts for row in part.collect()])
    assert "viewer-" not in shown


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.json", '[{"viewer_id": "viewer-1"}]'),
        ("events.jsonl", '{"event_id": "e1", "viewer-1": true}'),
        ("events.jsonl", '{"viewer-1'),
        ("events.csv", "e1,viewer-1,video-1\n"),
        ("events.csv", "event_id,viewer-1,viewer-1\n"),
    ],
)
def test_messages_show_no_delivered_id_where_ids_are_hashed(
    warehouse: Warehouse, tmp_path: Path, name: str, content: str
) -> None:
    source = write_parquet(tmp_path / "source", good_tables())
    (source / "events.parquet").unlink()
    (source / name).write_text(content)
    with pytest.raises(InputError) as caught:
        ingest(warehouse, source, hash_key=KEY)
    assert "viewer-1" not in str(caught.value)


@pytest.mark.once
def test_message_about_a_long_broken_row_is_short(warehouse: Warehouse, tmp_path: Path) -> None:
    tables = good_tables() | {"viewers": [good_viewer(1, trust_tier="celebrity" * 1_000)]}
    with pytest.raises(InputError, match="trust_tier_known 1") as caught:
        ingest(warehouse, write_json(tmp_path / "source", tables))
    assert len(str(caught.value)) < 500


@pytest.mark.once
def test_staged_files_of_dead_runs_are_removed_at_the_next_start(warehouse: Warehouse, tmp_path: Path) -> None:
    left = Path(str(warehouse.root)) / "_staging" / "dead-run" / "events-0.parquet"
    left.parent.mkdir(parents=True)
    left.touch()
    with pytest.raises(InputError):
        ingest(warehouse, tmp_path / "nowhere")
    assert not left.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("amounts", "warns"),
    [
        (["10.000000", "7.00"], True),
        (["2500000.00", "7.00"], True),
        (["10.0", "7.0"], True),
        (["5000000.0", "7.0"], False),
        (["10.000000", "7"], False),
        (["10", "7"], False),
    ],
)
def test_micros_written_like_units_cause_a_warning(
    warehouse: Warehouse, tmp_path: Path, amounts: list[str], warns: bool
) -> None:
    source = write_csv(tmp_path / "source", good_tables() | {"ad_revenue": []})
    shutil.rmtree(source / "ad_revenue")
    rows = [
        f"{DAY},{name},non_pulse,,{amount},EUR\n"
        for name, amount in zip(("tech", "food & drink"), amounts, strict=True)
    ]
    (source / "ad_revenue.csv").write_text(
        "".join(["date,category,placement,video_id,revenue_micros,currency\n", *rows])
    )
    warnings = [text for text in ingest(warehouse, source).warnings if "looks like currency units" in text]
    assert bool(warnings) == warns


@pytest.mark.once
@pytest.mark.parametrize(("kind", "warns"), [(pa.decimal128(25, 6), True), (pa.float64(), True), (pa.int64(), False)])
def test_micros_of_a_type_with_fractions_cause_a_warning(
    warehouse: Warehouse, tmp_path: Path, kind: pa.DataType, warns: bool
) -> None:
    source = write_parquet(tmp_path / "source", good_tables() | {"ad_revenue": [good_revenue(revenue_micros=10)]})
    rows = pq.read_table(source / "ad_revenue.parquet")
    place = rows.column_names.index("revenue_micros")
    pq.write_table(
        rows.set_column(place, "revenue_micros", rows["revenue_micros"].cast(kind)), source / "ad_revenue.parquet"
    )
    assert any("looks like currency units" in text for text in ingest(warehouse, source).warnings) == warns
