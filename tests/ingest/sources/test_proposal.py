"""Proposals: what names and values tell is filled in, what is missing is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from creatorpool.errors import InputError
from creatorpool.ingest.sources.guesses import guessed, recognised
from creatorpool.ingest.sources.proposal import proposed_mapping
from creatorpool.ingest.sources.sample import sample_files
from creatorpool.ingest.sources.units import currency, epoch_unit, micros_of_money, micros_of_time
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
        (["n/a", *["1795176000123"] * 4_999], "milliseconds"),
        (["nan", "inf", "1795176000", "1795176000", "1795176000"], "seconds"),
        (["1795176000", "soon", "later"], None),
        ([], None),
    ],
)
def test_unit_of_an_epoch_follows_from_the_size_of_readable_values(values: list[str], unit: str | None) -> None:
    assert epoch_unit("ts", values) == unit


def test_unit_of_an_epoch_without_values_follows_from_the_name() -> None:
    assert epoch_unit("ts_ms", []) == "milliseconds"
    assert epoch_unit("ts_ms", ["1795176000"]) == "seconds"


@pytest.mark.parametrize(
    ("name", "values", "micros"),
    [
        ("play_time_ms", ["5"], 1_000),
        ("playtimems", ["5"], 1_000),
        ("watch_seconds", ["5000"], 1_000_000),
        ("watched_sec", ["5000"], 1_000_000),
        ("length_s", ["5000"], 1_000_000),
        ("lengthUs", ["5"], 1),
        ("length", ["12", "40"], 1_000_000),
        ("length", ["12", "n/a", "40"], 1_000_000),
        ("length", ["12000", "40000"], 1_000),
    ],
)
def test_unit_of_a_duration_follows_from_its_name_or_else_its_size(name: str, values: list[str], micros: int) -> None:
    assert micros_of_time(name, values) == micros


@pytest.mark.parametrize(
    ("name", "micros", "code"),
    [
        ("revenue", 1_000_000, None),
        ("money_eur", 1_000_000, "EUR"),
        ("spend_usd_cents", 10_000, "USD"),
        ("revenueMicros", 1, None),
        ("try", 1_000_000, None),
    ],
)
def test_unit_and_currency_of_money_follow_from_its_name(name: str, micros: int, code: str | None) -> None:
    assert (micros_of_money(name), currency(name)) == (micros, code)


@pytest.mark.parametrize(
    ("table", "column", "wanted"),
    [
        ("events", "ts_ms", "event_ts"),
        ("events", "timestamp_ms", "event_ts"),
        ("events", "timestampUs", "event_ts"),
        ("events", "user_handle", "viewer_id"),
        ("events", "watched_sec", "watch_ms"),
        ("events", "play_time_s", "watch_ms"),
        ("videos", "creator_handle", "creator_id"),
        ("videos", "length_s", "length_ms"),
        ("videos", "published_at_ms", "published_at"),
        ("ad_revenue", "money_eur", "revenue_micros"),
        ("ad_revenue", "revenue_usd_cents", "revenue_micros"),
        ("ad_revenue", "gross_usd", "revenue_micros"),
        ("ad_revenue", "net_eur", "revenue_micros"),
        ("ad_revenue", "incomeIDR", "revenue_micros"),
        ("ad_revenue", "amount_gbp", "revenue_micros"),
        ("events", "reshared", "shared"),
        ("events", "event", None),
        ("events", "watch", None),
        ("events", "like_s", None),
        ("videos", "money_eur", None),
    ],
)
def test_units_at_the_end_of_a_name_do_not_hide_it(table: str, column: str, wanted: str | None) -> None:
    assert guessed(table, [column]) == ({} if wanted is None else {wanted: column})


def test_whole_names_count_before_names_without_units() -> None:
    assert guessed("videos", ["duration_s", "length_ms"])["length_ms"] == "length_ms"


@pytest.mark.parametrize(
    ("name", "values", "is_time"),
    [
        ("moment", ["1795176000", "n/a", "1795176001"], True),
        ("seen", ["1795176000123"], True),
        ("seen", ["2026-11-20T10:00:00Z"], True),
        ("seen", ["2026-11-20"], False),
        ("seen", ["1795176000123456789"], False),
        ("session_id", ["1795176000"], False),
        ("upload_time", ["1795176000"], False),
        ("count", ["123"], False),
        ("seen", [], False),
    ],
)
def test_moments_are_the_time_whatever_their_name(name: str, values: list[str], is_time: bool) -> None:
    assert ("event_ts" in recognised("events", {name: values})) == is_time


def test_clips_ads_and_daily_logs_with_units_in_their_names(tmp_path: Path, configuration: Settings) -> None:
    play = {"viewer": "v1", "clip_id": "c1", "ts_ms": 1795176000123, "watched_sec": 3.5, "app": "7"}
    for day, extra in (("20", {}), ("21", {"tab": "home"})):
        line = json.dumps(play | extra).encode()
        (tmp_path / f"plays-2026-11-{day}.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "clips.csv").write_text(
        "clip_id,creator_handle,genre,length_s,published_at\nc1,@x,a,2000,2026-11-01T10:00:00Z\n", encoding="utf-8"
    )
    (tmp_path / "ads.csv").write_text("day,genre,money_eur\n2026-11-20,a,1.5\n", encoding="utf-8")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    text = proposal(tmp_path, configuration)

    assert "FILL IN" not in text
    assert '# columns that no table uses: ["app"]' in text
    assert '# files that no table uses: notes.csv, with the columns ["a", "b"]' in text
    found = yaml.safe_load(text)
    assert found["inputs"]["plays"] == {
        "files": "plays-*.jsonl.gz",
        "optional_columns": ["tab"],
        "time": {"column": "ts_ms", "epoch": "milliseconds"},
    }
    tables = found["tables"]
    assert tables["events"]["columns"]["watch_ms"] == {"column": "watched_sec", "multiply": 1000, "round": True}
    assert tables["videos"]["columns"]["creator_id"] == "creator_handle"
    assert tables["videos"]["columns"]["length_ms"] == {"column": "length_s", "multiply": 1000, "round": True}
    assert tables["ad_revenue"]["columns"]["revenue_micros"] == {"column": "money_eur", "multiply": 1_000_000}
    assert tables["ad_revenue"]["columns"]["currency"] == {"value": "EUR"}


def test_a_pattern_matches_the_files_of_one_layout_only(tmp_path: Path, configuration: Settings) -> None:
    for number in (1, 2):
        (tmp_path / f"part-{number}.csv").write_text("uid,vid,ts\n1,2,1795176000\n", encoding="utf-8")
    (tmp_path / "part-3.csv").write_text("vid,author,length_ms,genre\n2,x,9000,a\n", encoding="utf-8")

    inputs = yaml.safe_load(proposal(tmp_path, configuration))["inputs"]

    assert [given["files"] for given in inputs.values()] == [["part-1.csv", "part-2.csv"], "part-3.csv"]


@pytest.mark.parametrize(
    ("header", "row", "account", "filled"),
    [
        ("uid,vid,n", "1,2,3", "viewer is in 'uid', video is in 'vid'; no column looks like its time", "# time:"),
        (
            "uid,ts,n",
            "1,1795176000,3",
            "viewer is in 'uid', time is in 'ts'; no column looks like its video",
            "# video_id:",
        ),
    ],
)
def test_incomplete_log_is_proposed_with_what_is_to_fill_in(
    tmp_path: Path, configuration: Settings, header: str, row: str, account: str, filled: str
) -> None:
    (tmp_path / "log.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")

    text = proposal(tmp_path, configuration)

    assert f"# events: the nearest is log.csv: {account}" in text
    assert f"{filled}  # FILL IN" in text
    assert "# event_id:  # FILL IN" in text
    assert yaml.safe_load(text)["tables"]["events"]["columns"]["viewer_id"] == "uid"


def test_refusal_says_what_the_nearest_file_has_and_lacks(tmp_path: Path, configuration: Settings) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path / "log.csv").write_text("item,ts_ms\n1,1795176000123\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"nearest is log.csv: video is in 'item', time is in 'ts_ms'; .*its viewer"):
        proposal(tmp_path, configuration)


def test_column_that_no_name_tells_is_given(tmp_path: Path, configuration: Settings) -> None:
    (tmp_path / "log.csv").write_text("who,what,ts\n1,2,1795176000\n", encoding="utf-8")
    files = sample_files(tmp_path, configuration.ingest, 100)

    with pytest.raises(InputError, match="name it with --column viewer_id=NAME or --column video_id=NAME"):
        proposed_mapping(tmp_path, files)
    columns = yaml.safe_load(proposed_mapping(tmp_path, files, {"viewer_id": "who", "video_id": "what"}))["tables"]
    assert columns["events"]["columns"]["viewer_id"] == "who"
    assert columns["viewers"]["one_row_per"] == ["who"]
    with pytest.raises(InputError, match="no table has 'viewer': did you mean 'viewer_id'"):
        proposed_mapping(tmp_path, files, {"viewer": "who"})
    with pytest.raises(InputError, match="no file has 'whom': did you mean 'who'"):
        proposed_mapping(tmp_path, files, {"viewer_id": "whom"})


def test_nearest_file_of_another_table_is_named(tmp_path: Path, configuration: Settings) -> None:
    (tmp_path / "log.csv").write_text("uid,vid,ts\n1,2,1795176000\n", encoding="utf-8")
    (tmp_path / "ads.csv").write_text("day,genre,earned\n2026-11-20,a,1.5\n", encoding="utf-8")

    text = proposal(tmp_path, configuration)

    assert "# ad_revenue: the nearest is ads.csv: category is in 'genre'; no column looks like its revenue" in text


def test_names_are_compared_without_case_and_signs() -> None:
    assert guessed("videos", ["VideoID", "AUTHOR_ID", "x"]) == {"video_id": "VideoID", "creator_id": "AUTHOR_ID"}


def test_constant_says_which_unused_columns_may_hold_what_it_makes_up(tmp_path: Path, configuration: Settings) -> None:
    """Banned clips would be paid, and all viewers be unverified, without a word."""
    (tmp_path / "log.csv").write_text("uid,vid,ts,n_shares\n1,2,1795176000,0\n", encoding="utf-8")
    classes = ("ok", "review", "banned")
    clips = "".join(f"{n},u{n},9000,{classes[n % 3]}\n" for n in range(9))
    (tmp_path / "clips.csv").write_text(f"vid,author,length_ms,moderation\n{clips}", encoding="utf-8")
    (tmp_path / "people.jsonl").write_text('{"uid": 1, "id_checked": false}\n', encoding="utf-8")

    text = proposal(tmp_path, configuration)

    kept = "with this constant, every video may be paid"
    assert f"is_compliant: {{value: true}}  # CHECK whether it is in moderation (ok, review, banned); {kept}" in text
    assert 'trust_tier: {value: "unverified"}  # CHECK whether it is in id_checked of people.jsonl (false)' in text
    assert "shared: {value: false}  # CHECK whether it is in n_shares (0); with this constant, the action never" in text
    assert "s_tox: {value: 0.0}  # no column looks like it: no video is toxic" in text
