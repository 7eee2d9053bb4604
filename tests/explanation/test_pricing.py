"""Published pools priced again: their payouts come out, with creators' caps too, and under another policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.explanation.pool_days import EXPONENTS, PoolDay

from creatorpool.allocation import BOUNDS, allocate
from creatorpool.explanation.decomposition import Policy, payout_parts
from creatorpool.explanation.pricing import other_price, other_state, published_price, published_state
from creatorpool.money import round_to_total

RNG = np.random.default_rng(23)
MONEY = 10**9
DAY = PoolDay(MONEY, RNG.integers(1, 2000, 200), RNG.uniform(0.05, 1.0, (200, 5)))


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("lambda_eff", [0.0, 0.3, 0.9])
def test_published_price_of_a_pool_with_capped_creators_is_that_of_all_others(objective, lambda_eff):
    policy = Policy(objective, 0.5, lambda_eff, EXPONENTS)
    videos = DAY.paid(policy)
    creator = np.arange(200) % 17
    caps = {0: MONEY / 60, 3: MONEY / 40, 5: MONEY / 30}
    split = allocate(
        videos.effective_impressions, MONEY, alpha=0.5, lambda_eff=lambda_eff, objective=objective, creator=creator,
        creator_cap=caps,
    )  # fmt: skip
    assert {BOUNDS.index("creator_cap")} < set(split.bound_code.tolist())
    micros = round_to_total(split.payout, MONEY).astype(float)
    capped = replace(videos, payout=micros, bound=split.bound)

    dual = published_price(capped, MONEY, policy)
    state = published_state(dual, capped)

    assert dual.nu == pytest.approx(split.nu, rel=1e-7)
    assert_allclose(state.payout, micros, atol=1.5)
    is_held = split.bound == "creator_cap"
    assert_array_equal(state.upper[is_held], micros[is_held])
    assert np.all(state.free[is_held] > micros[is_held])

    # The cap comes into force: what it takes is `bounds`, the rest of the change the dearer price's.
    before = published_state(published_price(videos, MONEY, policy), videos)
    parts = payout_parts(before, state, policy)
    assert np.all(parts["bounds"][is_held] < 0)
    assert_array_equal(parts["bounds"][~is_held], 0.0)
    assert_allclose(sum(parts.values()), state.payout - before.payout, atol=1e-3)


def test_other_price_is_what_the_day_would_have_paid():
    old = Policy("linear", 0.5, 0.3, EXPONENTS)
    new = Policy("log", 0.8, 0.6, dict(zip(EXPONENTS, [0.1, 0.1, 0.2, 0.3, 0.3], strict=True)))
    day = replace(DAY, floor=1000, cap=MONEY / 50)
    videos = day.paid(old)
    impressions = videos.rated(new)
    state = other_state(other_price(videos, MONEY, new, impressions, day.cap), videos, impressions, day.cap)
    assert_allclose(state.payout, day.paid(new).payout, atol=1.01)


def test_other_price_with_caps_that_fall_short_pays_what_they_allow():
    old, new = Policy("log", 0.5, 0.3, EXPONENTS), Policy("log", 0.9, 0.3, EXPONENTS)
    day = PoolDay(1_000, np.array([10, 20]), np.full((2, 5), 0.5), cap=600.0)
    videos = day.paid(old)
    short = replace(videos, effective_impressions=videos.effective_impressions * [1.0, 0.0])
    dual = other_price(videos, 1_000.0, new, short.effective_impressions, 600.0)
    assert other_state(dual, videos, short.effective_impressions, 600.0).payout.tolist() == [600.0, 0.0]
