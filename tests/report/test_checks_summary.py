"""The table of a verification says what was compared, and how much of it."""

from __future__ import annotations

import pytest

from creatorpool.report.checks_summary import print_checks
from creatorpool.verification.checks import Check


def test_each_check_says_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        Check("video_payouts from pools and Pulse", 1_971),
        Check("allocation_runs from the pools' members", 6, 1, "news: nu is 2, must be 1", "pool"),
        Check("video_payouts as published", 1, unit="version"),
    ]

    print_checks("Books of 2026-11", checks)

    shown = " ".join(capsys.readouterr().out.split())
    assert "Books of 2026-11, recomputed" in shown
    for words in ("1,971 rows", "6 pools", "│ 1 version │", "1 version if these are the same"):
        assert words in shown, words


def test_reproduction_needs_no_word_on_published_versions(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks("Published day 2026-11-21", [Check("pools music paid again", 1)])

    shown = capsys.readouterr().out
    assert "1 row " in shown
    assert "as published" not in shown
