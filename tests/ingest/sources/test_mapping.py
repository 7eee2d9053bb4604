"""Mappings: every fault is named with file, line and key, all of a file at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from creatorpool.errors import ConfigurationError
from creatorpool.ingest.sources.mapping import load_mapping, mapping_names

GOOD = """\
viewer_columns: user
inputs:
  log:
    files: plays_*.csv
    time: {column: ts, epoch: seconds}
  clips:
    files: clips.csv
tables:
  events:
    input: log
    columns:
      event_id: {joined: [user, clip, ts]}
      viewer_id: user
      video_id: clip
      event_ts: {column: ts, epoch: seconds}
      watch_ms: {column: seconds, multiply: 1000, round: true}
      liked: like
      commented: {value: false}
      shared: {value: false}
      followed: {value: false}
"""


def written(folder: Path, text: str) -> str:
    path = folder / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_good_mapping_is_read_with_its_shorthands(tmp_path: Path) -> None:
    loaded = load_mapping(written(tmp_path, GOOD))

    (part,) = loaded.parts("events")
    assert part.part.columns["viewer_id"].column == "user"
    assert loaded.mapping.inputs["log"].files == ["plays_*.csv"]
    assert loaded.mapping.time_zone == "UTC"
    assert {"user", "clip", "ts", "seconds", "like"} <= loaded.mapping.names("log")
    assert loaded.place("tables", "events", "columns", "watch_ms").endswith(
        "ours.yaml:16: tables.events.columns.watch_ms"
    )


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("files: plays", "flies: plays").replace("epoch: seconds}\n  clips", "epoch: hours}\n  clips")

    with pytest.raises(ConfigurationError) as caught:
        load_mapping(written(tmp_path, text.replace("round: true", "round: true, sql: x")))

    message = str(caught.value)
    assert "ours.yaml:4: unknown key 'inputs.log.flies': did you mean 'files'?" in message
    assert "key 'inputs.log.files' is missing" in message
    assert "ours.yaml:5: inputs.log.time.epoch: must be 'seconds', 'milliseconds' or 'microseconds'" in message
    assert "ours.yaml:16: tables.events.columns.watch_ms: give exactly one of column, sql, value, joined" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  events:\n", "  evnts:\n", "unknown key 'tables.evnts': did you mean 'events'?"),
        ("    input: log", "    input: logs", "tables.events.input: there is no input 'logs': did you mean 'log'?"),
        ("      liked:", "      likd:", "tables.events.columns.likd: events has no such column: did you mean 'liked'?"),
        ("      liked: like\n", "", "tables.events.columns: column liked is missing: The viewer liked the video"),
        ("    input: log", "    input: clips\n    other_days: leave_out", "leave_out needs `time` at input 'clips'"),
        ("    files: clips.csv", "    files: c.parquet\n    format: parquet\n    separator: ';'", "are for CSV only"),
        ("viewer_columns: user", "time_zone: Europe/Berlni", "no time zone: did you mean 'Europe/Berlin'?"),
        ("multiply: 1000, round", "round", "round rounds the product of `multiply`, which is missing"),
        ("multiply: 1000", "multiply: 1000, epoch: seconds", "epoch, multiply: give one of them at the most"),
        ("    input: log", "    input: log\n    lookups: {clip: x}", "there is no input 'clip': did you mean 'clips'?"),
        ("inputs:", "inputs: {}\nother:", "unknown key 'other'"),
        ("viewer_columns: user", "a: 1\na: 2", "key 'a' is given twice"),
    ],
)
def test_fault_of_a_mapping_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        load_mapping(written(tmp_path, GOOD.replace(old, new, 1)))

    assert "ours.yaml:" in str(caught.value)


def test_unknown_mapping_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'kuairand'.*Formats are native, kuairand"):
        load_mapping("kuairnd")


@pytest.mark.parametrize("name", mapping_names())
def test_shipped_mapping_has_no_fault_and_says_what_is_made_up(name: str) -> None:
    mapping = load_mapping(name).mapping

    assert "made up" in mapping.description.lower()
    assert mapping.viewer_columns
    assert set(mapping.tables) == {"events", "viewers", "videos", "ad_revenue"}
