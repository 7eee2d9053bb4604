"""A check of a mapping says by whose clocks its days begin."""

from __future__ import annotations

from datetime import date

import pytest

from creatorpool.ingest.sources.check import SourceFindings
from creatorpool.report.source_summary import print_findings

DAY = date(2026, 11, 20)


def test_days_are_named_with_their_zone(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings(SourceFindings(days={DAY: 1_700}, day=DAY))
    plain = capsys.readouterr().out
    print_findings(SourceFindings(days={DAY: 1_700}, day=DAY, files_timezone="Asia/Tokyo"))
    local = " ".join(capsys.readouterr().out.split())

    assert "Sampled rows of 2026-11-20 in UTC" in plain
    assert "Sampled records by day in UTC (ingest.day_timezone): 2026-11-20 1,700" in plain
    assert "Times without a zone" not in plain
    assert "--set ingest.day_timezone=Asia/Tokyo" in local
