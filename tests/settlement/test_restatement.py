"""What the policies book: a pool's money closes after every restatement, and `full` takes everything back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.settlement.restatement import (
    NOTHING,
    PoolMoney,
    booked_money,
    require_goodwill_within,
)

MICROS = st.integers(0, 10**12)


@st.composite
def pools(draw: st.DrawFn) -> PoolMoney:
    """A pool as a night pays it, without goodwill."""
    platform, videos, unallocated = draw(MICROS), draw(MICROS), draw(MICROS)
    return PoolMoney(platform + videos + unallocated, platform, videos, unallocated)


@given(pools(), pools(), st.integers(0, 10**6))
@settings(max_examples=100)
def test_every_policy_keeps_the_pool_closed_and_full_takes_everything_back(
    earned: PoolMoney, restated: PoolMoney, part: int
) -> None:
    taken = -min(part, earned.videos)

    after_taking = earned + booked_money("claw_back", earned, restated, taken)
    after_giving = after_taking + booked_money("hold_harmless", after_taking, restated, part)

    # PoolMoney refuses sides that do not close, so that the sums exist is half of the test.
    assert after_taking.videos == earned.videos + taken
    assert after_taking.unallocated == earned.unallocated - taken
    assert after_giving.goodwill == part
    assert after_giving.gross == restated.gross
    back = booked_money("full", after_giving, earned, earned.videos - after_giving.videos)
    assert after_giving + back == earned
    assert booked_money("full", earned, earned, 0) == NOTHING
    assert NOTHING.is_nothing


def test_full_refuses_changes_of_videos_that_are_not_those_of_the_pool() -> None:
    with pytest.raises(ValueError, match="videos change by 5"):
        booked_money("full", PoolMoney(10, 5, 5, 0), PoolMoney(20, 10, 10, 0), 4)


def test_money_that_does_not_close_is_refused() -> None:
    with pytest.raises(ValueError, match="must close"):
        PoolMoney(10, 5, 4, 0)


def test_goodwill_counts_what_was_given_before() -> None:
    require_goodwill_within(10, 4, 6)
    with pytest.raises(InputError, match=r"would cost 11 micros of goodwill for the day \(4 of them booked already\)"):
        require_goodwill_within(10, 4, 7)
