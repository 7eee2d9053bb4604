"""Pricing published pools again gives their payouts, also with creators' caps and under another policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.explanation.pool_days import EXPONENTS, PoolDay, halves

from creatorpool.allocation import allocate
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.decomposition import DayPolicy, payout_parts
from creatorpool.explanation.pricing import other_price, other_state, published_price, published_state

RNG = np.random.default_rng(23)
MONEY = 10**9
DAY = PoolDay(MONEY, RNG.integers(1, 2000, 200), RNG.uniform(0.05, 1.0, (200, 5)))


CREATOR = np.array([f"g{v % 17:02}" for v in range(200)])
CAPS = {"g00": MONEY // 60, "g03": MONEY // 40, "g05": MONEY // 30}


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("lambda_eff", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("floor", [0, MONEY // 1000])
def test_published_price_of_a_pool_with_capped_creators_is_the_one_it_was_paid_at(objective, lambda_eff, floor):
    policy = DayPolicy(SplitPolicy(objective, 0.5, lambda_eff), EXPONENTS)
    free, capped = replace(DAY, floor=floor), replace(DAY, floor=floor, creator=CREATOR, creator_caps=CAPS)
    uncapped, videos = free.paid(policy), capped.paid(policy)
    split = allocate(
        videos.effective_impressions, MONEY, alpha=0.5, lambda_eff=lambda_eff, objective=objective, creator=CREATOR,
        creator_cap=CAPS, floor=floor,
    )  # fmt: skip
    is_held = videos.bound == "creator_cap"
    assert set(CREATOR[is_held]) == set(CAPS)

    dual = published_price(videos, MONEY, policy)
    state = published_state(dual, videos)

    assert (dual.nu, dual.creators.eta.tolist()) == (split.nu, split.dual.creators.eta.tolist())
    assert_allclose(state.payout, videos.payout, atol=1.0)
    assert_array_equal(state.upper[is_held], videos.payout[is_held])
    assert np.all(state.free[is_held] > videos.payout[is_held])
    assert np.all(state.free[videos.bound == "floor"] <= floor)
    assert floor == 0 or np.any(is_held & (videos.payout == floor))  # at the floor because of the creator's price alone

    # The cap starts to bind: its effect is `bounds`, and the higher price causes the rest of the change.
    before = published_state(published_price(uncapped, MONEY, policy), uncapped)
    parts = payout_parts(before, state, policy, halves(before, state))
    assert np.all(parts["bounds"][is_held & (before.payout > floor)] < 0)
    assert_array_equal(parts["bounds"][(videos.bound == "interior") & (uncapped.bound == "interior")], 0.0)
    assert_allclose(sum(parts.values()), state.payout - before.payout, atol=1e-3)


def test_other_price_is_what_the_day_would_have_paid():
    old = DayPolicy(SplitPolicy("linear", 0.5, 0.3), EXPONENTS)
    new = DayPolicy(SplitPolicy("log", 0.8, 0.6), dict(zip(EXPONENTS, [0.1, 0.1, 0.2, 0.3, 0.3], strict=True)))
    day = replace(DAY, floor=1000, cap=MONEY / 50)
    videos = day.paid(old)
    impressions = videos.impressions_under(new)
    state = other_state(other_price(videos, MONEY, new, impressions, day.cap), videos, impressions, day.cap)
    assert_allclose(state.payout, day.paid(new).payout, atol=1.01)


def test_other_price_splits_the_cap_among_a_capped_creators_videos_again():
    old, new = DayPolicy(SplitPolicy("linear", 0.5, 0.3), EXPONENTS), DayPolicy(SplitPolicy("log", 0.8, 0.6), EXPONENTS)
    day = replace(DAY, floor=1000, creator=CREATOR, creator_caps=CAPS)
    videos, expected = day.paid(old), day.paid(new)
    assert set(CREATOR[expected.bound == "creator_cap"]) == set(CAPS)
    dual = other_price(videos, MONEY, new, videos.effective_impressions, np.inf)
    state = other_state(dual, videos, videos.effective_impressions, np.inf)
    assert_allclose(state.payout, expected.payout, atol=1.01)


def test_other_price_with_caps_below_the_pool_pays_the_caps():
    old, new = DayPolicy(SplitPolicy("log", 0.5, 0.3), EXPONENTS), DayPolicy(SplitPolicy("log", 0.9, 0.3), EXPONENTS)
    day = PoolDay(1_000, np.array([10, 20]), np.full((2, 5), 0.5), cap=600.0)
    videos = day.paid(old)
    short = replace(videos, effective_impressions=videos.effective_impressions * [1.0, 0.0])
    dual = other_price(videos, 1_000.0, new, short.effective_impressions, 600.0)
    assert other_state(dual, videos, short.effective_impressions, 600.0).payout.tolist() == [600.0, 0.0]
