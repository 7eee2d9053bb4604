"""A delivery whose day is that of another time zone is recognised; late and stray events are not taken for one."""

from __future__ import annotations

from datetime import date

import pytest

from creatorpool.ingest.events import EventDays
from creatorpool.ingest.log_files import LogFile
from creatorpool.ingest.shifted_day import filled_hours, shifted_files

DAYS = EventDays(date(2026, 11, 20), 2, "UTC")


def evening_heavy(start: int) -> dict[int, int]:
    """A day of 24 hours from `start` with four times as many events in its evening as in its night."""
    return {start + hour: 400 if 17 <= hour <= 22 else 100 for hour in range(24)}


@pytest.mark.parametrize(
    ("start", "begins", "clocks"),
    [(8, "2026-11-20 08:00", "UTC-08:00"), (-9, "2026-11-19 15:00", "UTC+09:00"), (3, "2026-11-20 03:00", "UTC-03:00")],
)
def test_day_of_another_zone_is_named_with_its_clocks(start: int, begins: str, clocks: str) -> None:
    shifted = filled_hours(evening_heavy(start), DAYS)

    assert shifted is not None
    assert shifted.hours == start
    assert begins in shifted.hint()
    assert clocks in shifted.hint()
    assert "ingest.day_timezone" in shifted.hint()


def test_hint_counts_from_the_configured_clocks() -> None:
    shifted = filled_hours(evening_heavy(9), EventDays(date(2026, 11, 20), 2, "Asia/Tokyo"))

    assert shifted is not None
    assert "2026-11-20 00:00 UTC" in shifted.hint()
    assert "UTC+00:00" in shifted.hint()


@pytest.mark.parametrize(
    "counts",
    [
        evening_heavy(0),
        evening_heavy(0) | dict.fromkeys(range(-48, 0), 30),  # late events of two days
        evening_heavy(0) | {24: 40},  # clocks of some devices are fast
        dict.fromkeys(range(-48, 48), 100),  # several days in one delivery
        dict.fromkeys(range(6, 22), 100),  # a platform that sleeps
        {},
    ],
)
def test_other_deliveries_are_no_shifted_day(counts: dict[int, int]) -> None:
    assert filled_hours(counts, DAYS) is None


@pytest.mark.parametrize(("start", "clocks"), [(-7, "UTC+07:00"), (5, "UTC-05:00")])
@pytest.mark.parametrize("length", [48, 24 * 7])
def test_log_that_is_cut_at_another_hour_is_named_with_its_clocks(start: int, clocks: str, length: int) -> None:
    counts = dict.fromkeys(range(start - 24, start - 24 + length), 100) | {-9_000: 1, 500: 2}

    hint = shifted_files([LogFile(None, counts)], DAYS)

    assert hint is not None
    assert clocks in hint


@pytest.mark.parametrize(
    "counts",
    [
        dict.fromkeys(range(-24, 48), 100),
        {day * 24 + hour: 100 for day in range(-1, 3) for hour in range(6, 22)},  # a platform that sleeps
        dict.fromkeys(range(-24, 41), 100),  # the log of a day that is not over
        dict.fromkeys(range(5, 9), 100),
        {},
    ],
)
def test_other_logs_are_not_named(counts: dict[int, int]) -> None:
    assert shifted_files([LogFile("log.csv", counts)], DAYS) is None
