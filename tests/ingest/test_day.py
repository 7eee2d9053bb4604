"""Whole days through `ingest_day`: formats, re-runs, crashes, late events, and all faults that ingestion checks."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.errors import ContractViolationError, InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.report import IngestReport
from creatorpool.platform_day import day_begins
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

from .ingest_sources import (
    DAY,
    NOON,
    Row,
    as_json,
    good_event,
    good_refund,
    good_revenue,
    good_tables,
    good_video,
    good_viewer,
    source_schema,
    write_csv,
    write_json,
    write_parquet,
)

SETTINGS = load_settings().ingest.model_copy(update={"max_quarantined_share": 0.95})
TIERS = {"verified": 1.0, "unverified": 0.8}
TABLES = ("events", "viewers", "videos", "ad_revenue")
QUARANTINES = tuple(f"{table}_quarantine" for table in TABLES)


def _ingest(
    warehouse: Warehouse, source: Path, day: date = DAY, *, reinstate: dict[str, int] | None = None, **changes: Any
) -> IngestReport:
    return ingest_day(
        warehouse,
        source,
        day,
        settings=SETTINGS.model_copy(update=changes),
        tiers=TIERS,
        run_id="run-1",
        ingested_at=datetime(2026, 11, 21, 3, tzinfo=UTC),
        reinstate=reinstate,
    )


def _content(warehouse: Warehouse, *tables: str) -> dict[str, list[str]]:
    """Rows of `tables`, sorted, read without an engine."""
    return {table: sorted(map(str, warehouse.read_arrow(table).to_pylist())) for table in tables}


def _refused(warehouse: Warehouse, table: str) -> Counter[tuple[str, ...]]:
    rows = warehouse.read_arrow(f"{table}_quarantine").to_pylist()
    return Counter(tuple(sorted(row["failed_rules"])) for row in rows)


@pytest.fixture(scope="module")
def good_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("good") / "parquet", good_tables())


@pytest.fixture(scope="module")
def good_warehouse(spark: SparkSession, good_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(spark, tmp_path_factory.mktemp("good") / "warehouse")
    _ingest(warehouse, good_source)
    return warehouse


def test_ingest_stores_good_rows_unchanged(good_warehouse: Warehouse) -> None:
    sent = good_tables()
    sent["events"] = [{"date": DAY} | row for row in sent["events"]]
    for table in TABLES:
        stored = good_warehouse.read_arrow(table).to_pylist()
        assert sorted(stored, key=str) == sorted((dict(row) for row in sent[table]), key=str), table
    assert _content(good_warehouse, *QUARANTINES) == {table: [] for table in QUARANTINES}


def test_ingest_json_and_csv_give_the_same_tables_as_parquet(
    good_warehouse: Warehouse, spark: SparkSession, tmp_path: Path
) -> None:
    for name, write in (("json", write_json), ("csv", write_csv)):
        warehouse = Warehouse(spark, tmp_path / name)
        _ingest(warehouse, write(tmp_path / f"{name}-source", good_tables()))
        assert _content(warehouse, *TABLES, *QUARANTINES) == _content(good_warehouse, *TABLES, *QUARANTINES), name


class CrashingWarehouse(Warehouse):
    """A warehouse whose append fails, either before or after it writes."""

    appends: list[str]

    def append(self, rows: DataFrame, table: str, number: int | None = None) -> int:
        self.appends.append(table)
        if len(self.appends) > 1:
            super().append(rows, table, number)
        raise KeyboardInterrupt


@pytest.mark.once
def test_ingest_interrupted_and_run_again_ends_in_the_same_tables(
    good_warehouse: Warehouse, good_source: Path, spark: SparkSession, tmp_path: Path
) -> None:
    crashing = CrashingWarehouse(spark, tmp_path / "warehouse")
    object.__setattr__(crashing, "appends", [])
    for _ in ("before", "after"):
        with pytest.raises(KeyboardInterrupt):
            _ingest(crashing, good_source)
    whole = Warehouse(spark, tmp_path / "warehouse")
    versions = whole.versions("events", "viewers", "videos")
    report = _ingest(whole, good_source)
    assert (report.tables["events"].accepted, report.tables["events"].duplicates) == (0, 6)
    assert whole.versions("events", "viewers", "videos") == versions
    assert _content(whole, *TABLES, *QUARANTINES) == _content(good_warehouse, *TABLES, *QUARANTINES)


def test_ingest_next_day_files_late_events_and_merges_dimensions(
    good_warehouse: Warehouse, good_source: Path, spark: SparkSession, tmp_path: Path
) -> None:
    warehouse = Warehouse(spark, tmp_path / "warehouse")
    _ingest(warehouse, good_source)
    next_day = NOON + timedelta(days=1)
    first = good_event(1)
    source = write_parquet(
        tmp_path / "next",
        {
            "events": [
                good_event(20, event_ts=next_day),
                good_event(21, event_ts=NOON - timedelta(days=1), viewer_id="viewer-3"),
                good_event(22, event_ts=NOON - timedelta(days=1, microseconds=NOON.hour * 3_600_000_000 + 1)),
                good_event(23, event_ts=next_day + timedelta(hours=12)),
                first,
                good_event(2, watch_ms=1),
                good_event(24, event_ts=NOON),
            ],
            "viewers": [good_viewer(2, trust_tier="verified"), good_viewer(3)],
            "videos": [good_video(1)],
            "ad_revenue": [good_revenue(date=next_day.date()), good_revenue()],
        },
    )
    report = _ingest(warehouse, source, next_day.date())
    counts = report.tables["events"]
    assert (counts.read, counts.accepted, counts.late, counts.duplicates, counts.quarantined) == (7, 3, 2, 1, 3)
    assert counts.broken == {"event_id_conflict": 1, "event_ts_in_window": 2}
    assert report.tables["ad_revenue"].other_day == 1
    ids = {(row["date"].day, row["event_id"]) for row in warehouse.read_arrow("events").to_pylist()}
    assert ids == {(20, f"e{number}") for number in range(1, 7)} | {(21, "e20"), (19, "e21"), (20, "e24")}
    tiers = {row["viewer_id"]: row["trust_tier"] for row in warehouse.read_arrow("viewers").to_pylist()}
    assert tiers == {"viewer-1": "verified", "viewer-2": "verified", "viewer-3": "verified"}
    assert report.outputs["videos"] == 1  # created, written once: nothing changed since
    assert {row["date"] for row in warehouse.read_arrow("ad_revenue").to_pylist()} == {DAY, next_day.date()}
    assert _content(good_warehouse, "ad_revenue").items() <= _content(good_warehouse, *TABLES).items()


@pytest.mark.once
def test_ingest_of_an_older_day_uses_its_viewers_for_itself_and_keeps_newer_ones(
    good_warehouse: Warehouse, spark: SparkSession, tmp_path: Path
) -> None:
    warehouse = Warehouse(spark, tmp_path / "warehouse")
    newer = good_tables() | {"viewers": [good_viewer(1), good_viewer(2, region="north")]}
    _ingest(warehouse, write_parquet(tmp_path / "newer", newer))
    older_day = DAY - timedelta(days=1)
    older = {
        "events": [good_event(30, event_ts=NOON - timedelta(days=1))],
        "viewers": [good_viewer(1, trust_tier="unverified"), good_viewer(3)],
        "videos": newer["videos"],
        "ad_revenue": [good_revenue(date=older_day)],
    }
    stood = warehouse.versions("viewers", "videos")
    report = _ingest(warehouse, write_parquet(tmp_path / "older", older), older_day, reinstate=stood)

    def tiers(version: int | None = None) -> dict[str, str]:
        rows = warehouse.read_arrow("viewers", version=version).to_pylist()
        return {row["viewer_id"]: row["trust_tier"] for row in rows}

    verified = dict.fromkeys(("viewer-1", "viewer-2", "viewer-3"), "verified")
    assert tiers(report.outputs["viewers"]) == verified | {"viewer-1": "unverified"}
    assert tiers() == verified


@pytest.mark.once
def test_ingest_refused_row_of_a_known_video_is_named(good_source: Path, spark: SparkSession, tmp_path: Path) -> None:
    warehouse = Warehouse(spark, tmp_path / "warehouse")
    _ingest(warehouse, good_source)
    again = good_tables() | {"videos": [good_video(1, s_tox=2.0), good_video(2)]}

    report = _ingest(warehouse, write_parquet(tmp_path / "again", again))

    assert report.warnings == (
        "videos: 1 rows of known keys are refused, such as 'video-1': the rows that an earlier day delivered for them "
        "stay valid",
    )


BROKEN_EVENTS: dict[str, Row | str] = {
    "event_id_not_null": {"event_id": None},
    "event_id_min_length": {"event_id": "  "},
    "viewer_id_not_null": {"viewer_id": None},
    "video_id_min_length,video_known": {"video_id": ""},
    "viewer_known": {"viewer_id": "viewer-of-another-app"},
    "video_known": {"video_id": "video-of-another-app"},
    "watch_ms_in_range": {"watch_ms": -1},
    "watch_ms_not_null": {"watch_ms": None},
    "watch_ms_not_null,watch_ms_readable": {"watch_ms": 1_000.5},
    "loop_count_in_range": {"loop_count": -1},
    "loop_count_readable": {"loop_count": "many"},
    "liked_not_null,liked_readable": {"liked": "maybe"},
    "shared_not_null": {"shared": None},
    "propensity_in_range": {"propensity": 1.5},
    "test_slot_in_range": {"test_slot": 0},
    "event_ts_not_null,event_ts_readable": {"event_ts": "20/11/2026 10:00"},
    "event_ts_not_null": {"event_ts": None},
    "event_ts_in_window": {"event_ts": "2026-11-21T00:30:00+00:00"},
    "row_readable": '{"event_id": "cut off',
}
"""Changes of a good event, or a whole line, by the rules that they must break."""

MORE_BROKEN_EVENTS: list[tuple[str, Row]] = [
    ("watch_ms_in_range", {"watch_ms": 10**15}),
    ("watch_ms_not_null,watch_ms_readable", {"watch_ms": float("nan")}),
    ("watch_ms_not_null,watch_ms_readable", {"watch_ms": float("inf")}),
    ("watch_ms_not_null,watch_ms_readable", {"watch_ms": "99999999999999999999999"}),
    ("event_ts_in_window", {"event_ts": "2026-11-17T23:59:59Z"}),
    ("event_ts_in_window", {"event_ts": "2026-11-20T23:30:00-01:00"}),
    ("event_ts_not_null,event_ts_readable", {"event_ts": "2026-02-30T10:00:00Z"}),
    ("row_readable", {}),
]

GOOD_TIMES = {
    "2026-11-20T23:59:59.999999": datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC),
    "2026-11-21T00:30:00+01:00": datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    "2026-11-20 10:00:00 -0530": datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    "2026-11-18T00:00:00Z": datetime(2026, 11, 18, tzinfo=UTC),
}


def _battery_events() -> tuple[list[Row | str], Counter[tuple[str, ...]]]:
    expected: Counter[tuple[str, ...]] = Counter()
    lines: list[Row | str] = list(good_tables()["events"])
    for number, (rules, change) in enumerate([*BROKEN_EVENTS.items(), *MORE_BROKEN_EVENTS], start=100):
        lines.append(change if isinstance(change, str) or not change else good_event(number) | change)
        expected[tuple(rules.split(","))] += 1
    lines += [good_event(number, event_ts=text) for number, text in enumerate(GOOD_TIMES, start=200)]
    lines += [good_event(300), good_event(300), good_event(301, watch_ms="5000.0"), good_event(301, watch_ms=5_000)]
    lines += [good_event(400), good_event(400, watch_ms=7), good_event(401), good_event(401, watch_ms=-7)]
    expected[("event_id_conflict",)] += 3
    expected[("event_id_conflict", "watch_ms_in_range")] += 1
    return lines, expected


BROKEN_VIEWERS: list[tuple[str, dict[str, Any]]] = [
    ("trust_tier_known", {"trust_tier": "celebrity"}),
    ("trust_tier_not_null", {"trust_tier": None}),
    ("viewer_id_min_length", {"viewer_id": ""}),
    ("valid_from_not_null,valid_from_readable", {"valid_from": "yesterday"}),
]
BROKEN_VIDEOS: list[tuple[str, dict[str, Any]]] = [
    ("length_ms_in_range", {"length_ms": 0}),
    ("s_pos_in_range", {"s_pos": 1.01}),
    ("s_tox_in_range", {"s_tox": -0.01}),
    ("s_tox_not_null,s_tox_readable", {"s_tox": float("nan")}),
    ("categories_not_empty", {"categories": []}),
    ("categories_named", {"categories": ["tech", " "]}),
    ("categories_distinct", {"categories": ["tech", "tech"]}),
    ("creator_id_not_null", {"creator_id": None}),
    ("published_at_not_null", {"published_at": None}),
]


def test_ingest_every_faulty_row_goes_to_quarantine_under_its_rules(warehouse: Warehouse, tmp_path: Path) -> None:
    events, expected = _battery_events()
    viewers = [good_viewer(n, **change) for n, (_, change) in enumerate(BROKEN_VIEWERS, start=10)]
    videos = [good_video(n, **change) for n, (_, change) in enumerate(BROKEN_VIDEOS, start=10)]
    tables: dict[str, list[Any]] = good_tables()
    tables["events"] = events
    tables["viewers"] += [*viewers, good_viewer(8), good_viewer(8), good_viewer(9), good_viewer(9, region="east")]
    tables["videos"] += [*videos, "[]"]
    tables["ad_revenue"] += [good_revenue(category="no such category")]
    source = write_json(tmp_path / "source", tables)
    report = _ingest(warehouse, source)

    assert _refused(warehouse, "events") == expected
    assert _refused(warehouse, "viewers") == Counter(
        [*(tuple(rules.split(",")) for rules, _ in BROKEN_VIEWERS), ("key_conflict",), ("key_conflict",)]
    )
    assert _refused(warehouse, "videos") == Counter(
        [*(tuple(rules.split(",")) for rules, _ in BROKEN_VIDEOS), ("row_readable",)]
    )
    stored = {row["event_id"]: row for row in warehouse.read_arrow("events").to_pylist()}
    accepted = [f"e{n}" for n in (*range(1, 7), *range(200, 200 + len(GOOD_TIMES)), 300, 301)]
    assert sorted(stored) == sorted(accepted)
    assert [stored[f"e{200 + n}"]["event_ts"] for n in range(len(GOOD_TIMES))] == list(GOOD_TIMES.values())
    assert all(row["date"] == row["event_ts"].date() for row in stored.values())
    assert {row["viewer_id"] for row in warehouse.read_arrow("viewers").to_pylist()} == {
        "viewer-1",
        "viewer-2",
        "viewer-8",
    }
    counts = report.tables["events"]
    assert (counts.read, counts.duplicates) == (len(events), 2)
    assert counts.quarantined == sum(expected.values())
    assert counts.late == 1
    assert report.tables["viewers"].duplicates == 1
    assert any("no such category" in warning for warning in report.warnings)
    assert set(report.examples) == {"events", "viewers", "videos"}
    (refused_videos,) = (line for line in report.refusals() if "videos" in line)
    # The row without a key comes first.
    assert "; see table videos_quarantine, for example [] breaks row_readable (The record must" in refused_videos

    before = _content(warehouse, *TABLES, *QUARANTINES)
    raw_rows = {row["raw_row"] for row in warehouse.read_arrow("events_quarantine").to_pylist()}
    assert raw_rows <= {line if isinstance(line, str) else as_json(line) for line in events}
    _ingest(warehouse, source)
    assert _content(warehouse, *TABLES, *QUARANTINES) == before


def test_ingest_parquet_numbers_that_do_not_fit_go_to_quarantine(warehouse: Warehouse, tmp_path: Path) -> None:
    tables = good_tables(8)
    source = write_parquet(tmp_path / "source", tables)
    rows = pa.Table.from_pylist(tables["events"], schema=source_schema("events"))
    watched = pa.array([1000.0, float("nan"), float("inf"), -1.0, 2.5, 1e15, None, 1e30])
    # The column's statistics have only one value; the reader must not take the NaN for this value.
    propensity = pa.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, float("nan")])
    rows = rows.drop_columns(["watch_ms", "propensity", "test_slot"]).append_column("watch_ms", watched)
    rows = rows.append_column("propensity", propensity).append_column("test_slot", pa.nulls(8))
    pq.write_table(rows, source / "events.parquet")
    _ingest(warehouse, source)
    unreadable = ("watch_ms_not_null", "watch_ms_readable")
    assert _refused(warehouse, "events") == Counter(
        {
            unreadable: 2,  # NaN and infinity
            ("watch_ms_readable",): 1,  # a fraction
            ("watch_ms_in_range",): 2,
            ("watch_ms_not_null",): 1,
            ("propensity_finite", "propensity_in_range", *unreadable): 1,
        }
    )
    refused = {row["event_id"]: json.loads(row["raw_row"]) for row in _rows(warehouse, "events_quarantine")}
    assert refused["e2"]["watch_ms"] == "NaN"
    assert [row["watch_ms"] for row in _rows(warehouse, "events")] == [1000]


def _rows(warehouse: Warehouse, table: str) -> list[Row]:
    return warehouse.read_arrow(table).to_pylist()


def _later(*rows: Row) -> list[Row]:
    return [row | {"event_ts": NOON - timedelta(days=1)} for row in rows]


@pytest.mark.once
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"events": None}, InputError, r"events: .* has no events\.parquet"),
        ({"viewers": None}, InputError, r"viewers: .* has no viewers\.parquet"),
        ({"events": []}, InputError, f"no acceptable event of {DAY} among 0 rows"),
        ({"events": _later(good_event(1))}, InputError, f"no acceptable event of {DAY} among 1 rows .1 late"),
        (
            {"events": [good_event(1), good_event(2, watch_ms=-2), good_event(3, watch_ms=-3)]},
            InputError,
            r"2 of 3 rows .66\.7%. would be quarantined.*max_quarantined_share 0\.5, so nothing is ingested: "
            r"watch_ms_in_range 2; for example .*e[23]",
        ),
        (
            {"videos": [good_video(1), good_video(2, s_pos=7.0), good_video(3, length_ms=0)]},
            InputError,
            r"videos: 2 of 3 rows .66\.7%. would be quarantined.*length_ms_in_range 1, s_pos_in_range 1; for example",
        ),
        (
            {"viewers": [good_viewer(1, trust_tier="celebrity")]},
            InputError,
            r"viewers: 1 of 1 rows .100\.0%. would be quarantined.*trust_tier_known 1",
        ),
        (
            {"ad_revenue": [good_revenue(date=NOON.date() - timedelta(days=1))]},
            ContractViolationError,
            "not_empty: no revenue .* the ad system's delivery is missing",
        ),
        (
            {"ad_revenue": [good_revenue(), good_revenue(category="b", currency="USD")]},
            ContractViolationError,
            "one_currency: .* EUR and USD. .*or set settlement.currency and deliver fx_rates",
        ),
        (
            {"ad_revenue": [good_revenue(currency="XAU")]},
            InputError,
            f"payable_currency: revenue of {NOON.date()} would be settled in XAU, .*set settlement.currency .* for XAU",
        ),
        (
            {"ad_revenue": [good_revenue(revenue_micros=-1), good_revenue(category="b")]},
            ContractViolationError,
            r"ad_revenue: 1 of 2 rows .*sign_fits_placement 1.*example .*-1.* 0 or less for a refund",
        ),
        (
            {"ad_revenue": [good_revenue(), good_revenue(placement="refund", revenue_micros=1)]},
            ContractViolationError,
            r"ad_revenue: 1 of 2 rows .*sign_fits_placement 1.*revenue_micros must be 0 or less",
        ),
        (
            {"ad_revenue": [good_revenue(), good_refund(video_id="video-2")]},
            ContractViolationError,
            r"video_iff_pulse 1.* names no video, because Pulse revenue cannot be refunded here",
        ),
        (
            {"ad_revenue": [good_revenue(), good_refund(placement="pulse", video_id="video-2")]},
            ContractViolationError,
            r"sign_fits_placement 1",
        ),
        (
            {"ad_revenue": [good_revenue(), good_refund(), good_refund()]},
            ContractViolationError,
            "key_unique: 1 of 3 rows repeat",
        ),
        ({"ad_revenue": [good_revenue(video_id="video-1")]}, ContractViolationError, "video_iff_pulse"),
        ({"ad_revenue": [good_revenue(), good_revenue()]}, ContractViolationError, "key_unique: 1 of 2 rows repeat"),
        ({"ad_revenue": [good_revenue(), good_revenue(revenue_micros=1)]}, ContractViolationError, "key_conflict 2"),
    ],
)
def test_ingest_of_an_unusable_delivery_stops_before_anything_is_written(
    warehouse: Warehouse, tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    tables = {name: rows for name, rows in (good_tables() | changes).items() if rows is not None}
    source = write_parquet(tmp_path / "source", tables)
    with pytest.raises(error, match=message):
        _ingest(warehouse, source, max_quarantined_share=0.5)
    assert not list(tmp_path.glob("warehouse/*/*"))


@pytest.mark.once
def test_ingest_of_revenue_in_no_currency_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "source", good_tables() | {"ad_revenue": [good_revenue(currency="XXX")]})
    report = _ingest(warehouse, source)
    assert [warning for warning in report.warnings if "in XXX, no currency: payouts are computed" in warning]


def _hourly(first: datetime) -> list[Row]:
    return [good_event(number, event_ts=first + timedelta(hours=number, minutes=30)) for number in range(24)]


def test_ingest_divides_days_by_the_clocks_of_the_platform(warehouse: Warehouse, tmp_path: Path) -> None:
    """In Los Angeles 1 November 2026 has 25 hours, from 07:00 UTC to 08:00 UTC of the next day."""
    day, zone = date(2026, 11, 1), "America/Los_Angeles"
    begins = datetime(2026, 11, 1, 7, tzinfo=UTC)
    late = good_event(50, event_ts=begins - timedelta(microseconds=1))
    last = good_event(51, event_ts=begins + timedelta(hours=25, microseconds=-1))
    after = good_event(52, event_ts=begins + timedelta(hours=25))
    tables = good_tables() | {
        "events": [*_hourly(begins), late, last, after],
        "ad_revenue": [good_revenue(date=day)],
    }

    report = _ingest(warehouse, write_parquet(tmp_path / "source", tables), day, day_timezone=zone)

    counts = report.tables["events"]
    assert (counts.accepted, counts.late, counts.broken) == (26, 1, {"event_ts_in_window": 1})
    days = {row["event_id"]: row["date"] for row in _rows(warehouse, "events")}
    assert days.pop("e50") == day - timedelta(days=1)
    assert set(days.values()) == {day}
    stored = {row["event_id"]: row["event_ts"] for row in _rows(warehouse, "events")}
    assert stored["e51"] == last["event_ts"], "times stay UTC"


@pytest.mark.once
def test_ingest_delivered_date_must_be_the_day_of_the_platform(warehouse: Warehouse, tmp_path: Path) -> None:
    tables: dict[str, list[Any]] = good_tables()
    in_tokyo = datetime(2026, 11, 19, 20, tzinfo=UTC)
    own, utc = (good_event(n, event_ts=in_tokyo, date=day.isoformat()) for n, day in ((1, DAY), (2, in_tokyo.date())))
    tables["events"] = [own, utc]

    report = _ingest(warehouse, write_json(tmp_path / "source", tables), day_timezone="Asia/Tokyo")

    assert report.tables["events"].broken == {"date_is_day_of_event": 1}
    assert [(row["event_id"], row["date"]) for row in _rows(warehouse, "events")] == [("e1", DAY)]


@pytest.mark.once
@pytest.mark.parametrize(
    ("zone", "message"),
    [
        (
            "America/Los_Angeles",
            r"events: 8 of 24 rows .33\.3%. would .*event_ts_in_window 8.*another time zone.*UTC-08",
        ),
        ("Asia/Tokyo", r"events: 9 of 24 events are of other days than 2026-11-20.*another time zone.*UTC\+09"),
    ],
)
def test_ingest_day_of_another_zone_is_refused_with_a_hint(
    warehouse: Warehouse, tmp_path: Path, zone: str, message: str
) -> None:
    tables = good_tables() | {"events": _hourly(day_begins(DAY, zone).astimezone(UTC))}
    source = write_parquet(tmp_path / "source", tables)

    with pytest.raises(InputError, match=message):
        _ingest(warehouse, source, max_quarantined_share=0.05)
    assert not list(tmp_path.glob("warehouse/*/*"))

    report = _ingest(warehouse, source, max_quarantined_share=0.05, day_timezone=zone)
    assert (report.tables["events"].accepted, report.tables["events"].late) == (24, 0)


@pytest.mark.once
def test_ingest_results_have_every_rule_on_rows_with_its_count(warehouse: Warehouse, tmp_path: Path) -> None:
    tables: dict[str, list[Any]] = good_tables()
    tables["events"] += [good_event(7, watch_ms=-1), good_event(8, watch_ms="many"), good_event(9, video_id="nowhere")]

    report = _ingest(warehouse, write_json(tmp_path / "source", tables))

    found = {(result.contract, result.rule): result for result in report.results}
    assert len(found) == len(report.results), "each rule once"
    broken = {key: (r.rows_failed, r.rows_checked, r.example) for key, r in found.items() if not r.passed}
    assert broken == {
        ("events", "watch_ms_in_range"): (1, 9, "e7"),
        ("events", "watch_ms_readable"): (1, 9, "e8"),
        ("events", "watch_ms_not_null"): (1, 9, "e8"),
        ("events", "video_known"): (1, 9, "e9"),
    }
    stated = {(name, rule.name) for name in ("viewers", "videos") for rule in warehouse.contract(name).row_rules}
    assert stated <= found.keys()
    assert ("events", "event_ts_in_window") in found
    assert ("viewers", "trust_tier_known") in found


@pytest.mark.once
def test_ingest_keeps_refunds_and_names_one_beside_an_unknown_video(warehouse: Warehouse, tmp_path: Path) -> None:
    refunds = [good_refund(), good_refund(category="no such category", revenue_micros=-7)]
    tables = good_tables()
    report = _ingest(warehouse, write_csv(tmp_path / "source", tables | {"ad_revenue": tables["ad_revenue"] + refunds}))

    stored = warehouse.read_arrow("ad_revenue").to_pylist()
    assert sorted(row["revenue_micros"] for row in stored if row["placement"] == "refund") == [-2_000_000, -7]
    assert report.warnings == (
        "ad_revenue: category 'no such category' has -0.000007 EUR of refunds but no video: they are carried until "
        "the category has revenue",
    )


def test_ingest_cut_off_text_file_stops_by_name(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_json(tmp_path / "source", good_tables(400))
    path = source / "events.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"events: .*events\.jsonl\.gz cannot be read: Compressed file ended"):
        _ingest(warehouse, source)
    assert not list(tmp_path.glob("warehouse/*/*"))
