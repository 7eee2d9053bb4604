"""Small deliveries for the tests of ingestion: good rows, written in any format of the native layout."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.actions import flags

from creatorpool.contracts import load_contract
from creatorpool.ingest.delivery import optional_columns
from creatorpool.settlement.frames.conversion import CONVERSION_COLUMNS
from creatorpool.storage.records import arrow_schema

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def good_event(number: int, **changes: Any) -> Row:
    """An event that breaks no rule, of viewer 1 or 2 on video 1 or 2."""
    row = {
        "event_id": f"e{number}",
        "viewer_id": f"viewer-{number % 2 + 1}",
        "video_id": f"video-{number % 2 + 1}",
        "event_ts": NOON + timedelta(seconds=number, microseconds=number),
        "watch_ms": 1_000 * number,
        "loop_count": None if number % 3 == 0 else number % 3,
        **flags(),
        "liked": number % 2 == 0,
        "shared": number % 5 == 0,
        "surface": None if number % 4 == 0 else "feed",
        "test_slot": None,
        "propensity": 0.25 if number % 2 else None,
    }
    return row | changes


def good_viewer(number: int, **changes: Any) -> Row:
    """A viewer that breaks no rule."""
    row = {"viewer_id": f"viewer-{number}", "trust_tier": "verified", "region": "west", "valid_from": NOON}
    return row | changes


def good_video(number: int, **changes: Any) -> Row:
    """A video that breaks no rule."""
    row = {
        "video_id": f"video-{number}",
        "creator_id": f"creator-{number}",
        "length_ms": 20_000,
        "categories": ["tech"] if number % 2 else ["tech", "food & drink"],
        "published_at": NOON - timedelta(days=30),
        "is_compliant": True,
        "s_pos": 0.9,
        "s_tox": 0.125,
        "is_pulse": number == 2,
    }
    return row | changes


def good_revenue(**changes: Any) -> Row:
    """A revenue row that breaks no rule, and is not converted."""
    row = {
        "date": DAY,
        "category": "tech",
        "placement": "non_pulse",
        "video_id": None,
        "revenue_micros": 5_000_000,
        "currency": "EUR",
        **dict.fromkeys(CONVERSION_COLUMNS),
    }
    return row | changes


def good_refund(**changes: Any) -> Row:
    """A refund that breaks no rule."""
    return good_revenue(placement="refund", revenue_micros=-2_000_000) | changes


def good_tables(events: int = 6) -> Tables:
    """A whole delivery without a fault."""
    return {
        "events": [good_event(number) for number in range(1, events + 1)],
        "viewers": [good_viewer(1), good_viewer(2, trust_tier="unverified", region=None)],
        "videos": [good_video(1), good_video(2)],
        "ad_revenue": [good_revenue(), good_revenue(placement="pulse", video_id="video-2", revenue_micros=700)],
    }


def source_schema(table: str) -> pa.Schema:
    """Columns of a delivered table: those of the contract, without those that it may leave out."""
    contract = load_contract(table)
    return pa.schema([field for field in arrow_schema(contract) if field.name not in optional_columns(contract)])


def write_parquet(folder: Path, tables: Mapping[str, Sequence[Row]]) -> Path:
    """Write `tables` as Parquet in the contract's types."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(list(rows), schema=source_schema(name)), folder / f"{name}.parquet")
    return folder


def write_json(folder: Path, tables: Mapping[str, Sequence[Row | str]]) -> Path:
    """Write `tables` as gzipped JSON lines without null values; a row that is a text is written unchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as out:
            for row in rows:
                out.write((row if isinstance(row, str) else as_json(row)) + "\n")
    return folder


def as_json(row: Row) -> str:
    """One JSON line; times have an offset of two hours and denote the same instants."""
    kept = {name: value for name, value in row.items() if value is not None}
    return json.dumps(kept, default=_iso_time)


def write_csv(folder: Path, tables: Mapping[str, Sequence[Row]]) -> Path:
    """Write each table as a folder of two CSV files with different orders of columns."""
    for name, rows in tables.items():
        columns = source_schema(name).names
        (folder / name).mkdir(parents=True)
        for part, names in enumerate((columns, columns[::-1])):
            with (folder / name / f"part-{part}.csv").open("w", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(names)
                writer.writerows([_csv_value(row[column]) for column in names] for row in rows[part::2])
    return folder


def _csv_value(value: Any) -> Any:
    if isinstance(value, list):
        return "|".join(value)
    return value.replace(tzinfo=None).isoformat() if isinstance(value, datetime) else value


def _iso_time(value: date) -> str:
    if isinstance(value, datetime):
        return value.astimezone(timezone(timedelta(hours=2))).isoformat()
    return value.isoformat()
