"""The search for a price, on functions in closed form instead of a pool."""

from __future__ import annotations

import math

import numpy as np
import pytest

from creatorpool.allocation import search as searching
from creatorpool.allocation.search import (
    ABOVE_AT,
    BELOW_AT,
    CAPS_FALL_SHORT,
    EXCESS_AT,
    FLOORS_EXCEED,
    REPLY_SLOTS,
    SLOPE_AT,
    SOLVED,
    search,
)


class Pool:
    """Videos (x, numerator, lo, hi) paid by the textbook formula in Python floats; counts the passes."""

    def __init__(self, videos, target, slope):
        self.videos, self.target, self.slope, self.passes = videos, target, slope, 0

    def payouts(self, ranked, anchor, delta):
        for x, numerator, lo, hi in self.videos:
            distance = delta if ranked else delta + self.slope * (anchor - x)
            free = (1.0 if ranked else numerator) / distance if distance > 0 else math.inf
            if ranked and x != anchor:
                free = 0.0 if x < anchor else math.inf
            payout = min(max(free, lo), hi)
            yield payout, payout * delta / distance if lo < free < hi else 0.0, x

    def solve(self, *, rank_only=False, start=1.0):
        reply = np.zeros(REPLY_SLOTS)
        top = max(x for x, *_ in self.videos)
        for asked, *price in search(reply, rank_only, self.slope, top, (start, 1.0), 1e-14 * self.target):
            if asked >= SOLVED:
                return asked, [p for p, *_ in self.payouts(*price)]
            self.passes += 1
            anchor = price[1]
            paid = list(self.payouts(*price))
            reply[EXCESS_AT] = math.fsum(p for p, *_ in paid) - self.target
            reply[SLOPE_AT] = math.fsum(derivative for _, derivative, _ in paid)
            reply[BELOW_AT] = max((x for *_, x in paid if x < anchor), default=0.0)
            reply[ABOVE_AT] = min((x for *_, x in paid if x > anchor), default=math.inf)
        raise AssertionError("no last probe")


def test_search_constants_over_delta_is_one_newton_step():
    pool = Pool([(0.5, 1.0, 0.0, 99.0), (0.25, 3.0, 0.0, 99.0)], 8.0, 0.0)
    assert pool.solve(start=100.0) == (SOLVED, [2.0, 6.0])
    assert pool.passes == 2


@pytest.mark.parametrize("start", [1e-9, 1e-3, 1.0, 1e6, 1e15])
def test_search_start_far_away_ends_at_same_root(start):
    pool = Pool([(0.9, 0.1, 0.0, 5.0), (0.5, 0.2, 0.1, 2.0), (0.1, 0.3, 0.0, 9.0)], 6.0, 0.7)
    status, payouts = pool.solve(start=start)
    assert status == SOLVED
    assert math.fsum(payouts) == pytest.approx(6.0, rel=1e-13)
    assert pool.passes <= 40


def test_search_root_among_many_poles_finds_the_right_gap():
    # Caps of 1 and almost no fairness: the 250 largest of 1000 are paid 1, the next one the rest.
    rng = np.random.default_rng(0)
    videos = [(x, 1e-13, 0.0, 1.0) for x in np.sort(rng.random(1000)).tolist()]
    pool = Pool(videos, 250.5, 1.0)
    status, payouts = pool.solve()
    assert status == SOLVED
    assert payouts[-250:] == [1.0] * 250
    assert payouts[-251] == pytest.approx(0.5, rel=1e-6)
    assert pool.passes <= 40


def test_search_bounds_that_cannot_meet_target_end_with_their_status():
    assert Pool([(0.5, 1.0, 3.0, 4.0)], 2.0, 0.5).solve()[0] == FLOORS_EXCEED
    assert Pool([(0.5, 1.0, 3.0, 4.0)], 5.0, 0.5).solve()[0] == CAPS_FALL_SHORT
    assert Pool([(0.5, 1.0, 3.0, 4.0)], 5.0, 0.0).solve(rank_only=True)[0] == CAPS_FALL_SHORT


def test_middle_of_a_half_open_bracket_moves_away_from_the_known_end():
    assert searching.middle(0.0, 8.0, 4.0) == 2.0
    assert searching.middle(2.0, math.inf, 4.0) == 8.0
    assert searching.middle(2.0, 8.0, 4.0) == pytest.approx(4.0)
