"""The table of sensitivities has one precision, and says where a change met a bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from creatorpool.integrity.sensitivity import Sensitivity
from creatorpool.report.console import PlainConsole
from creatorpool.report.sensitivity_summary import print_sensitivities

LARGE = Sensitivity("s_pos", "+0.1", 400_000.0, 171_670_000.0, "ann", 370_000.0, "bob", -12_345.0)


def shown(capsys: pytest.CaptureFixture[str], *found: Sensitivity) -> str:
    print_sensitivities(PlainConsole(width=150), date(2026, 11, 20), found, "USD")
    return capsys.readouterr().out


def test_all_amounts_have_the_precision_of_the_largest_gain(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, LARGE)
    assert [word in text for word in (" 0.40 ", "ann 0.37 ", "bob -0.01 ")] == [True] * 3
    assert "held at a bound" not in text

    small = shown(capsys, replace(LARGE, moved=412.0, gain=371.0, loss=-12.0))
    assert [word in small for word in (" 0.00041 ", "ann 0.00037 ", "bob -0.00001 ")] == [True] * 3


def test_changes_that_met_a_bound_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, replace(LARGE, held="12 of 1,971 videos"), LARGE)

    assert "12 of 1,971 videos" in text
    assert "held at a bound: scores stay within 0 and 1" in text
