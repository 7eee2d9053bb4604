"""The report's sentences and its form for the ledger."""

from __future__ import annotations

import json
from datetime import date

from creatorpool.ingest.report import IngestReport, TableCounts


def test_report_lines_leave_out_what_did_not_happen() -> None:
    clean = TableCounts(read=2, accepted=2)
    events = TableCounts(9, 4, duplicates=2, quarantined=2, late=1, other_day=1, broken={"b": 1, "a": 2})
    report = IngestReport(date(2026, 11, 20), "run-1", {"viewers": clean, "events": events}, {"events": 3})
    assert list(report.lines()) == [
        ("viewers", "viewers: 2 read, 2 accepted"),
        ("events", "events: 9 read, 4 accepted, 1 late, 2 duplicates, 2 quarantined, 1 other day (a 2, b 1)"),
    ]
    assert list(report.refusals()) == ["2 of 8 delivered events (25.0%) were refused: a 2, b 1"]
    assert json.loads(json.dumps(report.counts()))["events"]["broken"] == {"a": 2, "b": 1}
