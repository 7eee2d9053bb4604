"""Viewers' ids as keyed hashes: no table has a delivered id, and nothing else changes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.pseudonyms import KEY_VARIABLE, WITHHELD, Pseudonyms, hash_key, key_fingerprint
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

from .ingest_sources import DAY, as_json, good_event, good_tables, write_csv, write_json, write_parquet

KEY = "of more than thirty-two characters"
TIERS = {"verified": 1.0, "unverified": 0.8}
QUARANTINES = ("events_quarantine", "viewers_quarantine")
ROWS = ("events", "viewers")


def pseudonym(viewer: str) -> str:
    """The same hash by Python's hash functions."""
    secret = hashlib.sha256(f"pseudonym {KEY}".encode()).hexdigest()
    return hashlib.sha256((secret + viewer).encode()).hexdigest()


def ingest(spark: SparkSession, root: Path, source: Path) -> Warehouse:
    warehouse = Warehouse(spark, root)
    ingest_day(
        warehouse,
        source,
        DAY,
        settings=load_settings(assignments=[TOLERANT]).ingest,
        tiers=TIERS,
        run_id="run-1",
        ingested_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
        hash_key=KEY,
    )
    return warehouse


def faulty_tables() -> dict[str, list[Any]]:
    tables = good_tables(events=12)
    tables["events"] += [good_event(13, watch_ms=-1), good_event(14, viewer_id="")]
    return tables


@pytest.mark.parametrize(
    "write", [*(pytest.param(write, marks=pytest.mark.once) for write in (write_parquet, write_json)), write_csv]
)
def test_no_table_holds_a_delivered_id(spark: SparkSession, tmp_path: Path, write: Any) -> None:
    warehouse = ingest(spark, tmp_path / "tables", write(tmp_path / "raw", faulty_tables()))

    stored = warehouse.read_arrow("events").to_pylist()
    assert {row["event_id"]: row["viewer_id"] for row in stored} == {
        f"e{number}": pseudonym(f"viewer-{number % 2 + 1}") for number in range(1, 13)
    }
    known = warehouse.read_arrow("viewers", ["viewer_id"]).to_pylist()
    assert {row["viewer_id"] for row in known} == {pseudonym("viewer-1"), pseudonym("viewer-2")}
    refused = warehouse.read_arrow("events_quarantine").to_pylist()
    # CSV has no empty text: an empty field is a missing id.
    assert {rule.split("_")[0] for row in refused for rule in row["failed_rules"]} >= {"viewer", "watch"}
    assert any(pseudonym("viewer-2") in row["raw_row"] and "e13" in row["raw_row"] for row in refused)
    for table in (*ROWS, *QUARANTINES):
        assert "viewer-" not in str(warehouse.read_arrow(table).to_pylist()), table


@pytest.mark.once
def test_a_line_that_cannot_be_read_is_withheld(spark: SparkSession, tmp_path: Path) -> None:
    tables: dict[str, list[Any]] = dict(good_tables())
    tables["events"] = [*tables["events"], as_json(good_event(7))[:-9]]
    warehouse = ingest(spark, tmp_path / "tables", write_json(tmp_path / "raw", tables))

    assert [row["raw_row"] for row in warehouse.read_arrow("events_quarantine").to_pylist()] == [WITHHELD]


@pytest.mark.once
def test_an_empty_id_stays_refused(spark: SparkSession, tmp_path: Path) -> None:
    warehouse = ingest(spark, tmp_path / "tables", write_parquet(tmp_path / "raw", faulty_tables()))

    refused = warehouse.read_arrow("events_quarantine").to_pylist()
    assert len(refused) == 2
    assert any("viewer_id" in rule for row in refused for rule in row["failed_rules"])


def test_frames_and_batches_are_hashed_alike(spark: SparkSession) -> None:
    ids = ["7", "", None, "ä", "7"]
    hashed = Pseudonyms(KEY).frame(spark.createDataFrame([(text, "v") for text in ids], "viewer_id string, x string"))
    batch = Pseudonyms(KEY).batch(pa.record_batch({"viewer_id": pa.array(ids), "x": pa.array(["v"] * 5)}))

    expected = [pseudonym("7"), "", None, pseudonym("ä"), pseudonym("7")]
    assert [tuple(row) for row in hashed.collect()] == [(text, "v") for text in expected]
    assert batch.to_pydict() == {"viewer_id": expected, "x": ["v"] * 5}


@pytest.mark.parametrize("key", ["", "short", None])
def test_key_must_be_given_and_long(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if key is None:
        monkeypatch.delenv(KEY_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ConfigurationError, match=rf"hash_viewer_ids.*{KEY_VARIABLE}"):
        hash_key()


def test_fingerprint_distinguishes_keys_and_is_not_the_hash_key() -> None:
    assert key_fingerprint(KEY) != key_fingerprint(KEY + "x")
    assert key_fingerprint(KEY) not in hashlib.sha256(f"pseudonym {KEY}".encode()).hexdigest()
