"""The report's sentences and its form for the ledger."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date

from creatorpool.ingest.report import NOT_ACCEPTED, IngestReport, TableCounts, counted_elsewhere


def test_report_lines_leave_out_what_did_not_happen() -> None:
    clean = TableCounts(read=2, accepted=2)
    events = TableCounts(9, 4, duplicates=2, quarantined=2, late=1, other_day=1, broken={"b": 1, "a": 2})
    report = IngestReport(date(2026, 11, 20), "run-1", {"viewers": clean, "events": events}, {"events": 3})
    assert list(report.lines()) == [
        ("viewers", "viewers: 2 read, 2 accepted"),
        (
            "events",
            "events: 9 read, 4 accepted (1 of them late), 2 duplicates, 2 refused, 1 of other days (a 2, b 1)",
        ),
    ]
    assert list(report.refusals()) == ["2 of 8 delivered events (25.0%) were refused: a 2, b 1"]
    shown = replace(report, examples={"events": "'{}' breaks a"})
    assert list(shown.refusals()) == [
        "2 of 8 delivered events (25.0%) were refused: a 2, b 1; see table events_quarantine, for example '{}' breaks a"
    ]
    assert json.loads(json.dumps(report.counts()))["events"]["broken"] == {"a": 2, "b": 1}


def test_every_record_is_accounted_for_in_words() -> None:
    names = {field.name for field in fields(TableCounts)}
    assert names == {"read", "accepted", "late", "dateless", "broken", *NOT_ACCEPTED}
    assert TableCounts(80_000, 40_000, other_day=39_990, merged=9, elsewhere=1).outcomes == (
        "40,000 accepted, 39,990 of other days, 9 merged into another row, 1 in another day's quarantine"
    )


def test_records_of_no_day_are_told_in_words() -> None:
    first = TableCounts(400, 90, quarantined=10, other_day=300, dateless=4, broken={"row_readable": 10})
    report = IngestReport(date(2026, 11, 20), "run-1", {"events": first}, {})
    other = TableCounts(400, 300, other_day=96, elsewhere=4)

    assert list(report.refusals()) == [
        "10 of 100 delivered events (10.0%) were refused: row_readable 10; 4 of them are of no day, among 400 records "
        "of all days"
    ]
    assert other.rows == 300
    assert counted_elsewhere("events", 4, ["2026-11-20", "2026-11-20"]) == (
        "events without a readable time: 4. They are of no day, and in the quarantine of 2026-11-20, whose run read "
        "the same files first"
    )
