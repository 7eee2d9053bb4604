"""Proposals: what names and values tell is filled in, what is missing is said."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from creatorpool.errors import InputError
from creatorpool.ingest.sources.guesses import epoch_unit, factor_to_ms, guessed
from creatorpool.ingest.sources.proposal import proposed_mapping
from creatorpool.ingest.sources.sample import sample_files
from creatorpool.settings import Settings


def proposal(folder: Path, configuration: Settings) -> str:
    return proposed_mapping(folder, sample_files(folder, configuration.ingest, 100))


def test_one_log_feeds_viewers_and_videos_too(tmp_path: Path, configuration: Settings) -> None:
    line = {"uid": 7, "vid": "a", "author": "x", "ts": 1795176000123, "play_time": 3.5, "duration": 20, "is_like": 1}
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\nno object\n", encoding="utf-8")

    text = proposal(tmp_path, configuration)

    tables = yaml.safe_load(text)["tables"]
    assert tables["events"]["columns"]["event_ts"] == {"column": "ts", "epoch": "milliseconds"}
    assert tables["events"]["columns"]["watch_ms"] == {"column": "play_time", "multiply": 1000, "round": True}
    assert tables["events"]["columns"]["event_id"] == {"joined": ["uid", "vid", "ts"]}
    assert tables["events"]["columns"]["liked"] == "is_like"
    assert tables["events"]["columns"]["shared"] == {"value": False}
    assert tables["viewers"]["one_row_per"] == ["uid"]
    assert tables["videos"]["columns"]["creator_id"] == {"sql": "max(`author`)"}
    assert "max(try_cast(`duration` AS DOUBLE)) * 1000" in tables["videos"]["columns"]["length_ms"]["sql"]
    assert "# categories:  # FILL IN: no column looks like it." in text
    assert "# ad_revenue: no file looks like it." in text
    assert "ad_revenue" not in tables


def test_files_are_told_apart_by_their_columns(tmp_path: Path, configuration: Settings) -> None:
    (tmp_path / "views.csv").write_text("user;item;timestamp;watch_ms\n1;2;1795176000;9000\n", encoding="utf-8")
    pq.write_table(pa.table({"item": [2], "author": ["x"], "length_ms": [9000]}), tmp_path / "items.parquet")
    (tmp_path / "money.csv").write_text("day,genre,revenue,currency\n2026-11-20,a,1.5,EUR\n", encoding="utf-8")

    found = yaml.safe_load(proposal(tmp_path, configuration))

    assert found["inputs"]["views"]["separator"] == ";"
    assert {table: parts["input"] for table, parts in found["tables"].items()} == {
        "events": "views",
        "viewers": "views",
        "videos": "items",
        "ad_revenue": "money",
    }
    assert found["tables"]["ad_revenue"]["columns"]["revenue_micros"] == {"column": "revenue", "multiply": 1_000_000}
    assert found["viewer_columns"] == ["user"]


def test_logs_without_viewers_are_refused(open_bandit: Path, configuration: Settings) -> None:
    with pytest.raises(InputError, match="looks like a log of views"):
        proposal(open_bandit, configuration)


def test_folder_without_files_is_refused(tmp_path: Path, configuration: Settings) -> None:
    with pytest.raises(InputError, match=r"has no file whose name ends in \.csv"):
        proposal(tmp_path, configuration)


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (["1795176000"], "seconds"),
        (["1795176000123", "1795176000456"], "milliseconds"),
        (["1795176000123456"], "microseconds"),
        (["86405"], None),
        (["2026-11-20 10:00:00"], None),
        ([], None),
    ],
)
def test_unit_of_an_epoch_follows_from_its_size(values: list[str], unit: str | None) -> None:
    assert epoch_unit(values) == unit


def test_durations_are_seconds_where_name_or_size_says_so() -> None:
    assert factor_to_ms("play_time_ms", ["5"]) == 1
    assert factor_to_ms("watch_seconds", ["5000"]) == 1000
    assert factor_to_ms("length", ["12", "40"]) == 1000
    assert factor_to_ms("length", ["12000", "40000"]) == 1


def test_names_are_compared_without_case_and_signs() -> None:
    assert guessed("videos", ["VideoID", "AUTHOR_ID", "x"]) == {"video_id": "VideoID", "creator_id": "AUTHOR_ID"}
