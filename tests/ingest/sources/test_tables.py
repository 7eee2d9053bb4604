"""Tables of a mapping: each record of a file is a row, or is counted as filtered, merged or of another day."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import Delivery, LeftOut
from creatorpool.ingest.judging import judged
from creatorpool.ingest.pseudonyms import Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.sources.mapping import load_mapping
from creatorpool.ingest.sources.tables import read_mapped
from creatorpool.ingest.validation import conformed
from creatorpool.settings import Settings

from .test_mapping import GOOD, written

DAY = date(2026, 11, 20)
NOON = 1795176000
VIEWERS = """\
  viewers:
    input: log
    where: event_day = ingest_day AND user <> 'bot'
    one_row_per: [user]
    lookups: {clips: clip}
    columns:
      viewer_id: user
      trust_tier: {value: unverified}
      region: {sql: max(clips_country)}
      valid_from: {value: "2026-01-01"}
"""
Read = Callable[..., dict[str, Delivery]]


@pytest.fixture
def read(spark: SparkSession, tmp_path: Path, configuration: Settings) -> Read:
    """Read the files in the folder `source` by a mapping."""

    def run(
        text: str, pseudonyms: Pseudonyms | None = None, zone: str = "UTC", told_elsewhere: Collection[str] = ()
    ) -> dict[str, Delivery]:
        settings = configuration.ingest.model_copy(update={"day_timezone": zone})
        reading = Reading(spark, tmp_path / "staging", settings, pseudonyms)
        loaded = load_mapping(written(tmp_path, text))
        return read_mapped(reading, loaded, source(tmp_path), DAY, load_contract, told_elsewhere)

    return run


def source(folder: Path) -> Path:
    place = folder / "source"
    place.mkdir(exist_ok=True)
    return place


def deliver(folder: Path, *lines: str, name: str = "plays_1.csv", header: str = "user,clip,ts,seconds,like") -> None:
    (source(folder) / name).write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")


def clips(folder: Path, *lines: str) -> None:
    deliver(folder, *lines, name="clips.csv", header="clip,country,title")


def test_every_record_is_accounted_for(read: Read, tmp_path: Path) -> None:
    records = [f"u1,c1,{NOON},1.5,0", f"bot,c1,{NOON + 1},2,1", f"u1,c2,{NOON + 2},3,0", f"u2,c1,{NOON - 86_400},1,0"]
    deliver(tmp_path, *records, "u2,c1,soon,1,0", "too,short")
    clips(tmp_path, "c1,DE,a", "c1,DE,b", "c2,FR,c")
    computed = "    computed:\n      is_bot: coalesce(user = 'bot', false)\n"
    good = GOOD.replace("seconds}\n  clips", f"seconds}}\n{computed}  clips")
    kept = "    input: log\n    other_days: leave_out\n    where: NOT is_bot\n"
    text = good.replace("    input: log\n", kept) + VIEWERS
    found = read(text)

    assert found["events"].left_out == LeftOut(filtered=1, other_day=1)
    rows = {row["event_id"]: row for row in conformed(found["events"], load_contract("events")).toArrow().to_pylist()}
    assert set(rows) == {f"u1-c1-{NOON}", f"u1-c2-{NOON + 2}", "u2-c1-soon", None}
    assert rows[f"u1-c1-{NOON}"]["watch_ms"] == 1500
    assert rows["u2-c1-soon"]["failed_rules"] == ["event_ts_readable"]
    assert json.loads(rows["u2-c1-soon"]["raw_row"])["ts"] == "soon"
    assert (rows[None]["raw_row"], rows[None]["liked"]) == ("too,short", None)

    # The viewer of an unreadable time has no day, and is filtered like other days and the bot.
    assert found["viewers"].left_out == LeftOut(filtered=4, merged=1)
    (viewer,) = conformed(found["viewers"], load_contract("viewers")).toArrow().to_pylist()
    assert (viewer["viewer_id"], viewer["region"]) == ("u1", "FR")


def test_record_of_no_day_is_counted_by_one_run_of_several_days(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path, f"u1,c1,{NOON},1.5,0", f"u2,c1,{NOON - 86_400},1,0", "u2,c1,soon,1,0", "too,short")
    clips(tmp_path, "c1,DE,a")
    text = GOOD.replace("    input: log\n", "    input: log\n    other_days: leave_out\n")

    first, other = read(text)["events"], read(text, told_elsewhere=["log"])["events"]

    assert (first.left_out, first.dateless) == (LeftOut(other_day=1), 2)
    assert (other.left_out, other.dateless) == (LeftOut(other_day=1, elsewhere=2), 0)
    rows = conformed(other, load_contract("events")).toArrow().to_pylist()
    assert [row["viewer_id"] for row in rows] == ["u1"]
    one_day = read(GOOD, told_elsewhere=["log"])["events"]
    assert (one_day.left_out, one_day.dateless) == (LeftOut(), 0), "the log of one day has no other run"


@pytest.mark.parametrize(("zone", "kept"), [("UTC", {"noon"}), ("America/New_York", {"noon", "late"})])
def test_day_of_a_record_is_that_of_the_platforms_clocks(read: Read, tmp_path: Path, zone: str, kept: set[str]) -> None:
    """03:00 UTC of the next day is 22:00 of the day in New York."""
    deliver(tmp_path, f"noon,c1,{NOON},1,0", f"late,c1,{NOON + 15 * 3600},1,0")
    clips(tmp_path, "c1,DE,a")

    found = read(GOOD.replace("    input: log\n", "    input: log\n    other_days: leave_out\n"), zone=zone)

    rows = conformed(found["events"], load_contract("events")).toArrow().to_pylist()
    assert {row["viewer_id"] for row in rows} == kept
    assert found["events"].left_out == LeftOut(other_day=2 - len(kept))


def test_records_of_a_lookup_that_differ_stop_the_run(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path, f"u1,c1,{NOON},1.5,0")
    clips(tmp_path, "c1,DE,a", "c1,FR,a")

    with pytest.raises(InputError, match="lookup 'clips': several rows have clip 'c1' and differ"):
        read(GOOD + VIEWERS)


def test_all_faults_of_columns_and_expressions_are_reported_at_once(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path, f"u1,c1,{NOON},1.5,0")
    clips(tmp_path, "c1,DE,a")

    with pytest.raises(InputError) as caught:
        read(GOOD.replace("viewer_id: user", "viewer_id: usr").replace("liked: like", "liked: likes"))
    assert "columns.viewer_id: the files have no column 'usr': did you mean 'user'?" in str(caught.value)
    assert "columns.liked: the files have no column 'likes': did you mean 'like'?" in str(caught.value)

    broken = GOOD.replace("video_id: clip", "video_id: {sql: upper(clp)}").replace("liked: like", "liked: {sql: 1 +}")
    with pytest.raises(InputError) as caught:
        read(broken.replace("    input: log\n", "    input: log\n    where: ts + \n"))
    for place in ("columns.video_id: cannot compute 'upper(clp)'", "columns.liked: cannot", "events.where: cannot"):
        assert place in str(caught.value)


def test_column_that_some_files_lack_must_be_optional(read: Read, tmp_path: Path) -> None:
    clips(tmp_path, "c1,DE,a")
    deliver(tmp_path, f"u1,c1,{NOON},1.5,1")
    deliver(tmp_path, f"u2,c1,{NOON},1.5", name="plays_2.csv", header="user,clip,ts,seconds")

    with pytest.raises(InputError, match=r"input 'log': .* lacks columns \['like'\], which other files"):
        read(GOOD)

    text = GOOD.replace("plays_*.csv\n", "plays_*.csv\n    optional_columns: [like]\n")
    found = read(text.replace("liked: like", "liked: {column: like, default: false}"))
    rows = conformed(found["events"], load_contract("events")).toArrow().to_pylist()
    assert {row["viewer_id"]: row["liked"] for row in rows} == {"u1": True, "u2": False}


def test_json_lines_have_the_columns_that_the_mapping_uses(read: Read, tmp_path: Path) -> None:
    clips(tmp_path, "c1,DE,a")
    lines = [json.dumps({"user": 7, "clip": "c1", "ts": NOON, "seconds": 2, "like": True, "date": "x"}), "{broken"]
    (source(tmp_path) / "plays_1.jsonl").write_text("\n".join(lines), encoding="utf-8")

    found = read(GOOD.replace("plays_*.csv", "plays_*.jsonl"))
    rows = conformed(found["events"], load_contract("events")).toArrow().to_pylist()
    assert {row["viewer_id"]: row["liked"] for row in rows} == {"7": True, None: None}
    assert {row["raw_row"] for row in rows} == set(lines)


def test_line_that_cannot_be_read_is_refused_once_by_one_rule(read: Read, tmp_path: Path) -> None:
    """Rows that group records have no row for it, unless no other table reads the input."""
    deliver(tmp_path, f"u1,c1,{NOON},1.5,0", "too,short")
    clips_lines = [*(json.dumps({"clip": "c1", "country": "DE", "n": n}) for n in (1, 2)), '{"clip": "c', "[3]"]
    (source(tmp_path) / "clips.jsonl").write_text("\n".join(clips_lines), encoding="utf-8")
    creators = """\
  creators:
    input: clips
    one_row_per: ["upper(country)"]
    columns: {creator_id: {sql: upper(country)}, verification_level: {value: gold}, valid_from: {value: "2026-01-01"}}
"""
    contract = load_contract("creators")
    text = GOOD.replace("files: clips.csv", "files: clips.jsonl")
    found = read(
        text + VIEWERS.replace("max(clips_country)", "max('x')").replace("    lookups: {clips: clip}\n", "") + creators
    )

    assert found["viewers"].left_out == LeftOut(filtered=1)
    assert found["creators"].left_out == LeftOut(merged=1)
    rows = conformed(found["creators"], contract)
    found_rows = judged(rows, contract, [], key=contract.key, delivery=found["creators"], folder=tmp_path)
    assert [row["creator_id"] for row in rows.where(found_rows.is_good).collect()] == ["DE"]
    broken = found_rows.broken.toArrow().to_pylist()
    assert sorted((str(row["creator_id"]), row["raw_row"], row["failed_rules"]) for row in broken) == [
        ("None", "[3]", ["row_readable"]),
        ("None", '{"clip": "c', ["row_readable"]),
    ]


def test_missing_files_are_named(read: Read, tmp_path: Path) -> None:
    clips(tmp_path, "c1,DE,a")

    with pytest.raises(InputError, match=r"input 'log': no file of .* matches plays_\*\.csv; it has \['clips\.csv'\]"):
        read(GOOD)


def test_viewers_ids_are_hashed_before_they_are_staged(read: Read, tmp_path: Path) -> None:
    clips(tmp_path, "c1,DE,a")
    deliver(tmp_path, f"someone,c1,{NOON},1.5,1", "someone,short")

    found = read(GOOD, Pseudonyms("k" * 32, ("user",)))

    rows = conformed(found["events"], load_contract("events")).toArrow().to_pylist()
    assert len(rows) == 2
    assert "someone" not in str(rows)
    staged = [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]
    assert staged
    assert all(b"someone" not in path.read_bytes() for path in staged)


def test_other_days_follow_the_clocks_of_the_platform(
    spark: SparkSession, tmp_path: Path, configuration: Settings
) -> None:
    clips(tmp_path, "c1,DE,a")
    deliver(tmp_path, f"u1,c1,{NOON + 15 * 3600},1,0", f"u2,c1,{NOON - 12 * 3600},1,0")  # 3:00 next day, 0:00, in UTC
    settings = configuration.ingest.model_copy(update={"day_timezone": "America/New_York"})
    text = GOOD.replace("    input: log\n", "    input: log\n    other_days: leave_out\n")

    reading = Reading(spark, tmp_path / "staging", settings)
    found = read_mapped(reading, load_mapping(written(tmp_path, text)), source(tmp_path), DAY, load_contract)

    assert found["events"].left_out == LeftOut(other_day=1)
    (row,) = conformed(found["events"], load_contract("events")).toArrow().to_pylist()
    assert row["viewer_id"] == "u1"
