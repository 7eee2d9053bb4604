"""By whose clocks the records of a log fill whole days."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.ingest.whole_days import clocks, hours_to_whole_days

DAY = date(2026, 11, 20)


def log(first: int, number: int) -> dict[int, int]:
    """A log of `number` hours from hour `first` on, with more records by day than at night."""
    return {hour: 50 + 30 * (hour % 24 > 8) for hour in range(first, first + number)}


@given(st.integers(-14, 14), st.integers(1, 4))
def test_hours_to_whole_days_are_those_at_which_the_log_begins(start: int, days: int) -> None:
    found = hours_to_whole_days(log(start, 24 * days))

    assert found is not None
    assert (found - start) % 24 == 0
    assert abs(found) <= 12 or found == start


@pytest.mark.parametrize(
    ("counts", "hours"),
    [
        (log(0, 24) | {-30: 1, 40: 2}, 0),
        (log(-7, 48) | {-100: 3}, -7),
        (log(0, 60), None),
        (log(3, 6), None),
        (log(0, 6) | log(24, 6), None),
        ({}, None),
    ],
)
def test_strays_do_not_count_and_logs_that_are_cut_elsewhere_tell_nothing(counts: dict[int, int], hours: int) -> None:
    assert hours_to_whole_days(counts) == hours


@pytest.mark.parametrize(
    ("zone", "hours", "named"),
    [
        ("UTC", -7, "UTC+07:00"),
        ("Asia/Jakarta", 0, "UTC+07:00"),
        ("UTC", 8, "UTC-08:00"),
        ("Asia/Kolkata", 1, "UTC+04:30"),
    ],
)
def test_clocks_are_named_by_their_offset(zone: str, hours: int, named: str) -> None:
    assert clocks(DAY, zone, hours) == named
