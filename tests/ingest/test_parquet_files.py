"""Checks of Parquet files by their footers, and copies of files with types that engines misread."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import TableFiles
from creatorpool.ingest.parquet_files import checked_parquet_files, refuse_damaged
from creatorpool.ingest.reading import Reading
from creatorpool.settings import load_settings

from .ingest_sources import good_tables, source_schema


def _events(**columns: pa.Array) -> pa.Table:
    """Six good events, with some columns replaced (None leaves one out)."""
    rows = pa.Table.from_pylist(good_tables()["events"], schema=source_schema("events"))
    for name, values in columns.items():
        rows = rows.drop_columns([name]) if name in rows.column_names else rows
        rows = rows if values is None else rows.append_column(name, values)
    return rows


def _check(tmp_path: Path, *tables: pa.Table, table: str = "events") -> list[list[Path]]:
    paths = []
    for number, rows in enumerate(tables):
        paths.append(tmp_path / f"part-{number}.parquet")
        pq.write_table(rows, paths[-1])
    files = TableFiles(table, "parquet", tuple(paths))
    found = checked_parquet_files(_reading(tmp_path), files, load_contract(table))
    assert all(is_copy == (path.parent.name == "staging") for is_copy, paths in found for path in paths)
    return [[Path(str(path)) for path in paths] for _, paths in found]


def _reading(tmp_path: Path) -> Reading:
    """Reading that needs no engine."""
    return Reading(cast(SparkSession, None), tmp_path / "staging", load_settings().ingest)


def test_checked_files_in_the_contracts_types_are_not_copied(tmp_path: Path) -> None:
    assert _check(tmp_path, _events(), _events()) == [[tmp_path / "part-0.parquet", tmp_path / "part-1.parquet"]]
    assert not (tmp_path / "staging").exists()


def test_checked_files_of_different_types_are_grouped(tmp_path: Path) -> None:
    as_doubles = _events(watch_ms=pa.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert _check(tmp_path, _events(), as_doubles) == [[tmp_path / "part-0.parquet"], [tmp_path / "part-1.parquet"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"watch_ms": None}, r"missing columns \['watch_ms'\]"),
        ({"surface": None}, r"missing columns \['surface'\]"),
        ({"mood": pa.array(["good"] * 6)}, r"columns not in the contract \['mood'\]"),
        ({"watch_ms": pa.array(["1000"] * 6)}, r"wrong type: watch_ms string \(contract BIGINT\)"),
        ({"event_ts": pa.array([1_763_640_000_000] * 6)}, r"wrong type: event_ts int64 \(contract TIMESTAMP\)"),
        ({"liked": pa.array([0.0] * 6)}, r"wrong type: liked double \(contract BOOLEAN\)"),
        ({"viewer_id": pa.array([17] * 6)}, r"wrong type: viewer_id int64 \(contract STRING\)"),
        ({"viewer_id": pa.array([b"v"] * 6)}, r"wrong type: viewer_id binary \(contract STRING\)"),
    ],
)
def test_checked_files_other_columns_are_refused(tmp_path: Path, columns: dict[str, pa.Array], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _check(tmp_path, _events(), _events(**columns))
    assert "part-1.parquet" in str(caught.value)
    assert "events" in str(caught.value)
    assert "expected" in str(caught.value)


def test_checked_files_lists_given_as_text_are_refused(tmp_path: Path) -> None:
    videos = pa.Table.from_pylist(good_tables()["videos"], schema=source_schema("videos"))
    videos = videos.drop_columns(["categories"]).append_column("categories", pa.array(["tech", "food"]))
    with pytest.raises(InputError, match=r"categories string \(contract ARRAY<STRING>\)"):
        _check(tmp_path, videos, table="videos")


@pytest.mark.parametrize("kept", [0, 4, 200, -4])
def test_checked_files_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(_events(), path)
    path.write_bytes(path.read_bytes()[:kept])
    files = TableFiles("events", "parquet", (path,))
    with pytest.raises(InputError, match=r"events: .*events\.parquet is not a readable Parquet file"):
        checked_parquet_files(_reading(tmp_path), files, load_contract("events"))


def test_checked_files_awkward_types_are_copied_in_plain_ones(tmp_path: Path) -> None:
    odd = _events(
        event_ts=pa.array([1_763_640_000_000_000_999] * 6, pa.timestamp("ns", "UTC")),
        viewer_id=pa.array(["viewer-1"] * 6).dictionary_encode(),
        surface=pa.nulls(6),
        watch_ms=pa.array([2**64 - 1] * 6, pa.uint64()),
    )
    ((copy,),) = _check(tmp_path, odd)
    assert copy.parent == tmp_path / "staging"
    rows = pq.read_table(copy)
    row = rows.to_pylist()[0]
    assert row["event_ts"] == datetime(2025, 11, 20, 12, tzinfo=UTC)
    assert (row["viewer_id"], row["surface"], row["watch_ms"]) == ("viewer-1", None, 2**64 - 1)
    assert [str(rows.schema.field(n).type) for n in ("event_ts", "viewer_id", "surface", "watch_ms")] == [
        "timestamp[us, tz=UTC]",
        "string",
        "string",
        "decimal128(20, 0)",
    ]


def test_checked_files_nan_beside_a_constant_is_copied_without_statistics(tmp_path: Path) -> None:
    hidden = _events(propensity=pa.array([0.5, float("nan"), 0.5, 0.5, None, 0.5]))
    constant = _events(propensity=pa.array([0.5] * 6))
    groups = _check(tmp_path, hidden, constant)
    assert groups == [[tmp_path / "staging" / "events-0.parquet"], [tmp_path / "part-1.parquet"]]
    column = pq.read_metadata(groups[0][0]).schema.names.index("propensity")
    assert pq.read_metadata(groups[0][0]).row_group(0).column(column).statistics is None


def test_checked_files_int96_times_of_any_century_keep_their_instants(tmp_path: Path) -> None:
    instants = [datetime(year, 1, 2, 3, 4, 5, 678_901, UTC) for year in (1, 1582, 1677, 2026, 2611, 9999)]
    path = tmp_path / "events.parquet"
    rows = _events(event_ts=pa.array(instants, pa.timestamp("us", "UTC")))
    pq.write_table(rows, path, use_deprecated_int96_timestamps=True)
    files = TableFiles("events", "parquet", (path,))
    (((is_copy, (copy,))),) = checked_parquet_files(_reading(tmp_path), files, load_contract("events"))
    assert is_copy
    assert pq.read_table(copy)["event_ts"].to_pylist() == [moment.replace(tzinfo=None) for moment in instants]


def test_refuse_damaged_names_the_file_whose_pages_cannot_be_read(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "a.parquet", tmp_path / "b.parquet"
    for path in (whole, damaged):
        pq.write_table(_events(), path, compression="zstd")
    refuse_damaged(TableFiles("events", "parquet", (whole, damaged)))
    content = bytearray(damaged.read_bytes())
    content[4:200] = b"\xff" * 196
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=r"events: .*b\.parquet is damaged"):
        refuse_damaged(TableFiles("events", "parquet", (whole, damaged)))
