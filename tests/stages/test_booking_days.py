"""The books take no day that is far ahead, whatever the machine's clock says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.stages.settled_days import DAY, NEXT, Books

from creatorpool.errors import InputError
from creatorpool.stages import booking_days
from creatorpool.stages.booking_days import DAYS_AHEAD, last_booking_day
from creatorpool.stages.posting import post_day
from creatorpool.stages.restatement import Reason, restate_day
from creatorpool.tables import Warehouse

AHEAD = timedelta(days=DAYS_AHEAD)


def set_clock(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr(booking_days, "now", lambda: datetime(day.year, day.month, day.day, 23, tzinfo=UTC))


@pytest.mark.once
def test_the_last_booking_day_follows_the_clock_or_the_last_published_day(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, date(2020, 1, 1))
    assert last_booking_day(books.tables) == NEXT + AHEAD
    set_clock(monkeypatch, date(2027, 5, 9))
    assert last_booking_day(books.tables) == date(2027, 5, 9) + AHEAD
    assert last_booking_day(Warehouse(None, books.folder / "nothing")) == date(2027, 5, 9) + AHEAD


@pytest.mark.once
def test_days_that_are_far_ahead_are_refused(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, NEXT)
    versions = books.versions(["stage_runs"])
    first = NEXT + AHEAD + timedelta(days=1)
    for day in (first, date(2036, 12, 1)):
        with pytest.raises(InputError, match=f"--date {day} is after {NEXT + AHEAD}, .*: name an earlier day"):
            post_day(books.at(day))
        with pytest.raises(InputError, match=f"--booked-on {day} is after {NEXT + AHEAD}, "):
            restate_day(books.at(DAY), Reason(), booked_on=day)
    assert books.versions(["stage_runs"]) == versions

    assert post_day(books.at(NEXT + AHEAD)) is None
    assert restate_day(books.at(DAY), Reason(), booked_on=NEXT + AHEAD).booked_on == NEXT + AHEAD
