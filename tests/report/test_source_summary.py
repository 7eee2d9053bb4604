"""A check of a mapping says by whose clocks its days begin, and speaks of zones only where times name none."""

from __future__ import annotations

from datetime import date

import pytest

from creatorpool.ingest.sources.clocks import LocalTimes
from creatorpool.ingest.sources.findings import SourceFindings
from creatorpool.report.source_summary import print_findings

DAY = date(2026, 11, 20)
TIMES = [LocalTimes("log", "at", 1_700, "2026-11-20 10:00:00")]


def printed(found: SourceFindings, capsys: pytest.CaptureFixture[str]) -> str:
    print_findings(found)
    return " ".join(capsys.readouterr().out.split())


def test_days_are_named_with_their_zone(capsys: pytest.CaptureFixture[str]) -> None:
    plain = printed(SourceFindings(days={DAY: 1_700}, day=DAY, files_timezone="Asia/Tokyo"), capsys)

    assert "Sampled records by day in UTC (ingest.day_timezone): 2026-11-20 1,700" in plain
    assert "zone " not in plain, "no time is without a zone"


def test_times_without_a_zone_are_named_with_the_two_settings_that_may_be_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = SourceFindings(days={DAY: 1_700}, day=DAY, files_timezone="Asia/Tokyo", local_times=TIMES)

    local = printed(found, capsys)
    found.has_whole_days = True
    fitting = printed(found, capsys)
    found.timezone = "Asia/Tokyo"
    same = printed(found, capsys)

    fact = "1,700 sampled times in column 'at' of input 'log' name no zone, such as '2026-11-20 10:00:00'"
    assert fact in local
    assert "set time_zone to UTC in the mapping; if the platform's day is that of Asia/Tokyo, set ingest.day" in local
    assert fact in fitting
    assert "set ingest.day_timezone" not in fitting, "the setting fits the data"
    assert fact not in same


def test_without_a_readable_time_no_day_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(SourceFindings(faults=["a"]), capsys) == ""
