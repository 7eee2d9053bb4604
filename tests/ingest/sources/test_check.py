"""A check reports what a run would refuse, count and warn of, on the rows that it samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.errors import InputError
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.sources.check import check_source
from creatorpool.ingest.sources.findings import SourceFindings
from creatorpool.ingest.sources.mapping import load_mapping
from creatorpool.settings import load_settings

from .test_mapping import written

DAY = date(2026, 11, 20)
BEGINS = datetime(2026, 11, 19, 17, tzinfo=UTC)
"""Midnight of the day in Jakarta"""
MAPPING = """\
time_zone: UTC
inputs:
  plays: {files: "plays-*.csv", time: {column: ms, epoch: milliseconds}}
  accounts: {files: accounts.jsonl}
  clips: {files: clips.csv}
  income: {files: income.csv}
tables:
  events:
    input: plays
    other_days: leave_out
    columns:
      event_id: {joined: [account, clip, ms]}
      viewer_id: account
      video_id: clip
      event_ts: {column: ms, epoch: milliseconds}
      watch_ms: watched
      liked: {value: false}
      commented: {value: false}
      shared: {value: false}
      followed: {value: false}
  viewers:
    input: accounts
    columns:
      viewer_id: account
      trust_tier: {sql: "CASE WHEN checked = 'true' THEN 'verified' ELSE 'unverified' END"}
      valid_from: joined
  videos:
    input: clips
    columns:
      video_id: clip
      creator_id: maker
      length_ms: ms
      categories: topic
      published_at: uploaded
      is_compliant: {sql: "moderation = 'ok'"}
      s_pos: {value: 1.0}
      s_tox: {value: 0.0}
      is_pulse: {value: false}
  ad_revenue:
    input: income
    columns:
      date: day
      category: topic
      placement: {value: non_pulse}
      revenue_micros: {column: gross_usd, multiply: 1000000}
      currency: {value: USD}
"""
Check = Callable[..., SourceFindings]


@pytest.fixture
def check(spark: SparkSession, tmp_path: Path) -> Check:
    """Check files in the folder `source`: those of a good day but for `changes`, of which None leaves a file out."""

    def run(
        mapping: str = MAPPING,
        changes: Mapping[str, str | None] | None = None,
        zone: str = "Asia/Jakarta",
        day: date | None = None,
    ) -> SourceFindings:
        place = tmp_path / "source"
        place.mkdir()
        for name, text in {**good_files(), **(changes or {})}.items():
            if text is not None:
                (place / name).write_text(text, encoding="utf-8")
        settings = load_settings(assignments=[f"ingest.day_timezone={zone}"])
        reading = Reading(spark, tmp_path / "staging", settings.ingest)
        return check_source(reading, load_mapping(str(written(tmp_path, mapping))), place, day, 60, settings)

    return run


def plays(day: date, lines: Iterable[str] = ()) -> str:
    """Two plays in each hour of a day in Jakarta."""
    midnight = BEGINS + timedelta(days=(day - DAY).days)
    times = [round((midnight + timedelta(minutes=30 * n)).timestamp() * 1000) for n in range(48)]
    own = [f"u{n % 2},c{n % 2},{time},5000" for n, time in enumerate(times)]
    return "\n".join(["account,clip,ms,watched", *own, *lines]) + "\n"


def good_files() -> dict[str, str | None]:
    accounts = [{"account": f"u{n}", "joined": "2026-11-01", "checked": n == 0} for n in range(2)]
    return {
        f"plays-{DAY}.csv": plays(DAY),
        "accounts.jsonl": "\n".join(map(json.dumps, accounts)),
        "clips.csv": "clip,maker,ms,topic,uploaded,moderation\n"
        "c0,m0,9000,tech,2026-11-01T10:00:00+07:00,ok\nc1,m1,9000,pets,2026-11-01T10:00:00+07:00,banned\n",
        "income.csv": f"day,topic,gross_usd\n{DAY},tech,5.25\n{DAY + timedelta(days=1)},tech,6.5\n",
    }


def test_day_by_the_platforms_clocks_fits_and_is_counted_as_a_run_counts_it(check: Check) -> None:
    found = check()

    assert (found.faults, found.warnings, found.local_times) == ([], [], [])
    assert (found.day, found.has_whole_days, found.is_cut) == (DAY, True, False)
    assert {name: (table.counts.accepted, table.counts.other_day) for name, table in found.tables.items()} == {
        "events": (48, 0),
        "viewers": (2, 0),
        "videos": (2, 0),
        "ad_revenue": (1, 1),
    }


@pytest.mark.once
def test_one_days_log_by_other_clocks_and_a_wrong_amount_are_faults(check: Check, tmp_path: Path) -> None:
    found = check(changes={"income.csv": f"day,topic,gross_usd\n{DAY},tech,-5.25\n"}, zone="UTC")

    events, revenue = found.faults
    assert "14 of 48 events are of other days than 2026-11-20" in events
    assert "days begin by clocks at UTC+07:00" in events
    assert not found.has_whole_days
    place = f"{tmp_path / 'ours.yaml'}:{MAPPING[: MAPPING.index('revenue_micros')].count(chr(10)) + 1}"
    assert "breaks sign_fits_placement" in revenue
    assert f"revenue_micros is made from column 'gross_usd' times 1,000,000 ({place})" in revenue


@pytest.mark.once
def test_log_of_two_days_by_other_clocks_is_a_warning(check: Check) -> None:
    """The day's own hours are full: the neighbouring day fills those that it loses."""
    following = DAY + timedelta(days=1)
    mapping = MAPPING.replace("time_zone: UTC", "time_zone: Asia/Jakarta")
    mapping = mapping.replace("valid_from: joined", "valid_from: joined\n      region: contry")
    clips = "clip,maker,ms,topic,uploaded,moderation\nc0,m0,9000,tech,2026-11-01 10:00,ok\n"

    found = check(mapping, {f"plays-{following}.csv": plays(following), "clips.csv": clips}, zone="UTC")

    assert found.faults == []
    unseen, warning = found.warnings
    assert "viewers.columns.region: no sampled record of input 'accounts' has 'contry', so it is NULL in all" in unseen
    assert "fill whole days by clocks at UTC+07:00, and not by those of ingest.day_timezone, UTC" in warning
    assert [(one.input, one.column, one.number, one.example) for one in found.local_times] == [
        ("clips", "uploaded", 1, "2026-11-01 10:00")
    ]


@pytest.mark.once
def test_all_that_stops_a_run_is_reported_with_the_columns_of_the_files(check: Check) -> None:
    """Every third line is cut off, also beyond the sample's records; a row of revenue is repeated."""
    lines = plays(DAY, (f"u1,c1,{round(BEGINS.timestamp() * 1000) + n},5000" for n in range(132))).splitlines()
    broken = "\n".join("u1,c1" if n % 3 == 2 else line for n, line in enumerate(lines)) + "\n"
    income = good_files()["income.csv"]
    mapping = MAPPING.replace("is_compliant: {sql: \"moderation = 'ok'\"}", "is_compliant: {value: true}")
    changes = {f"plays-{DAY}.csv": broken, "income.csv": f"{income}{DAY},tech,5.25\n"}

    found = check(
        mapping.replace('{sql: "CASE WHEN', '{sql: "CASE WHEN false OR').replace("'unverified'", "'new'"), changes
    )

    events, viewers, revenue = found.faults
    assert (found.tables["events"].counts.read, found.tables["events"].counts.quarantined) == (60, 20)
    assert found.is_cut
    assert f"20 of 60 records of plays-{DAY}.csv (33.3%) have no readable time" in events
    assert "breaks trust_tier_known (trust_tier is made from CASE WHEN" in viewers
    assert "correct the feed or its mapping" in viewers
    assert "ad_revenue: key_unique: 1 of 3 rows repeat another row" in revenue
    (warning,) = found.warnings
    assert "no table uses column 'moderation' of input 'clips' (ok, banned)" in warning


@pytest.mark.once
def test_rows_of_revenue_that_differ_and_a_day_without_events_stop_a_run(check: Check) -> None:
    income = f"day,topic,gross_usd\n{DAY},tech,5.25\n{DAY},pets,1\n{DAY},pets,2\n"
    following = DAY + timedelta(days=1)

    found = check(
        changes={f"plays-{DAY}.csv": None, f"plays-{following}.csv": plays(following), "income.csv": income}, day=DAY
    )

    events, revenue = found.faults
    assert "events: no acceptable event of 2026-11-20 among 48 rows" in events
    assert "2 of 3 rows break rules (key_conflict 2)" in revenue


@pytest.mark.once
def test_files_that_cannot_be_read_are_reported_once_and_without_a_day(check: Check, tmp_path: Path) -> None:
    found = check(changes={f"plays-{DAY}.csv": 'account,clip,ms,watched\nu1,c1,1,"2\n', "income.csv": ""})

    plays_fault, income_fault = found.faults
    assert "line 2 begins a quoted field that is not closed" in plays_fault
    assert income_fault == "input 'income': ['income.csv'] is empty: it has no names of columns and no records"
    assert (found.day, set(found.tables)) == (None, {"viewers", "videos"})


@pytest.mark.once
def test_computed_column_that_cannot_be_computed_is_a_fault_of_the_mapping(check: Check) -> None:
    computed = "clips: {files: clips.csv, computed: {x: upper(nobody)}}"

    found = check(MAPPING.replace("clips: {files: clips.csv}", computed))

    (fault,) = found.faults
    assert "inputs.clips.computed.x: cannot compute" in fault
    assert found.is_misconfigured
    assert set(found.tables) == {"events", "viewers", "ad_revenue"}


@pytest.mark.once
def test_missing_folder_is_named_once(spark: SparkSession, tmp_path: Path) -> None:
    settings = load_settings()
    loaded = load_mapping(str(written(tmp_path, MAPPING)))

    with pytest.raises(InputError, match=r"^source .*nowhere is not a folder$"):
        check_source(
            Reading(spark, tmp_path / "staging", settings.ingest), loaded, tmp_path / "nowhere", None, 60, settings
        )
