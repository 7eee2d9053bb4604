"""Deliveries are compared by the content of their files, not by names, places or times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from creatorpool.errors import InputError
from creatorpool.ingest.fingerprint import _digest, delivery_fingerprint
from creatorpool.ingest.sources.files import input_paths
from creatorpool.ingest.sources.mapping import InputMapping
from creatorpool.settings import load_settings

from .ingest_sources import good_tables, good_viewer, write_csv, write_parquet

SETTINGS = load_settings().ingest


def test_copy_under_other_names_has_the_same_fingerprint(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source", good_tables())
    copy = Path(shutil.copytree(source, tmp_path / "copy"))
    (copy / "events" / "part-0.csv").rename(copy / "events" / "z.csv")

    assert delivery_fingerprint(copy, SETTINGS) == delivery_fingerprint(source, SETTINGS)


def test_only_the_table_that_differs_has_another_fingerprint(tmp_path: Path) -> None:
    first = delivery_fingerprint(write_parquet(tmp_path / "first", good_tables()), SETTINGS)
    tables = good_tables()
    tables["viewers"].append(good_viewer(3))

    second = delivery_fingerprint(write_parquet(tmp_path / "second", tables), SETTINGS)

    assert {name for name in first if first[name] != second[name]} == {"viewers"}


def test_delta_table_of_a_mapping_differs_once_it_has_other_rows(tmp_path: Path) -> None:
    table, rows = tmp_path / "log", pa.table({"user_id": ["u1"]})
    write_deltalake(table, rows)
    given = InputMapping(files=["log"], format="delta")
    before = _digest("log", input_paths(tmp_path, "log", given))

    assert _digest("log", input_paths(tmp_path, "log", given)) == before
    write_deltalake(table, rows, mode="append")
    assert _digest("log", input_paths(tmp_path, "log", given)) != before


def test_missing_table_is_refused(tmp_path: Path) -> None:
    tables = good_tables()
    del tables["viewers"]

    with pytest.raises(InputError, match=r"viewers: .* has no viewers\.parquet"):
        delivery_fingerprint(write_parquet(tmp_path / "source", tables), SETTINGS)
