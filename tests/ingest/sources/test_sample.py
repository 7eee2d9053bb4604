"""Samples show values as the engines have them, so that expressions can be written from them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.ingest.sources.sample import sample_files
from creatorpool.settings import Settings


def test_values_are_shown_as_the_engines_see_them(tmp_path: Path, configuration: Settings) -> None:
    """`id_checked = 'True'` is never true: the engines' text is `true`."""
    lines = ['{"a": true, "b": 1.50, "c": ["x", null], "d": null, "e": "True"}', '{"a": false}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pq.write_table(pa.table({"a": [True, None, False]}), tmp_path / "b.parquet")

    (text, table) = sample_files(tmp_path, configuration.ingest, 10)

    assert text.columns == {"a": ["true", "false"], "b": ["1.50"], "c": ['["x",null]'], "d": [], "e": ["True"]}
    assert table.columns == {"a": ["true", "false"]}
