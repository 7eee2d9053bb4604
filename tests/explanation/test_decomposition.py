"""The split of a payout's change: exact, symmetric, and equal to the closed form where no bound holds."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.explanation.pool_days import EXPONENTS, PoolDay, capped_days, halves, policies, pool_days

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.decomposition import DayPolicy, payout_parts, policy_parts
from creatorpool.explanation.parts import PARTS, whole_parts
from creatorpool.explanation.pricing import other_price, other_state, published_price, published_state

RNG = np.random.default_rng(11)
LOG = DayPolicy(SplitPolicy("log", 0.5, 0.0), EXPONENTS)
LINEAR = DayPolicy(SplitPolicy("linear", 0.5, 0.3), EXPONENTS)


def with_split(policy: DayPolicy, **changes: Any) -> DayPolicy:
    """`policy` with another split."""
    return replace(policy, split=replace(policy.split, **changes))


def interior_day(n: int = 6, money: int = 10**9) -> PoolDay:
    return PoolDay(money, RNG.integers(1, 1000, n), RNG.uniform(0.05, 1.0, (n, 5)))


def with_views(day: PoolDay, views: np.ndarray) -> PoolDay:
    return replace(day, views=views)


def summed(whole: dict[str, np.ndarray]) -> np.ndarray:
    """The sum over parts, whose causes of `pool_size` it does not count twice."""
    return np.asarray(sum(whole[name] for name in PARTS))


@pytest.mark.slow
@settings(max_examples=150)
@given(policies, pool_days(4), pool_days(4))
def test_parts_of_any_two_days_sum_to_the_change_and_negate_when_swapped(policy, first, second):
    (before, paid_before), (after, paid_after) = first.state(policy), second.state(policy)
    parts = payout_parts(before, after, policy, halves(before, after))
    assert_allclose(sum(parts.values()), after.payout - before.payout, atol=1e-4)
    assert_allclose(after.payout, paid_after, atol=1.01)  # pricing again gives the published payouts

    whole = whole_parts(parts, paid_after - paid_before)
    assert_array_equal(summed(whole), paid_after - paid_before)
    assert np.abs(whole["rounding"]).max() <= 8

    back = whole_parts(payout_parts(after, before, policy, halves(after, before)), paid_before - paid_after)
    for name in whole:
        assert_array_equal(back[name], -whole[name])


def check_capped_days(policy, first, second):
    (before, paid_before), (after, paid_after) = first.state(policy), second.state(policy)
    assert_allclose(before.payout, paid_before, atol=1.01)
    assert_allclose(after.payout, paid_after, atol=1.01)
    parts = payout_parts(before, after, policy, halves(before, after))
    whole, change = whole_parts(parts, paid_after - paid_before), paid_after - paid_before
    assert_array_equal(summed(whole), change)
    assert np.abs(whole["rounding"]).max() <= 8
    back = whole_parts(payout_parts(after, before, policy, halves(after, before)), -change)
    for name in whole:
        assert_array_equal(back[name], -whole[name])


@pytest.mark.slow
@settings(max_examples=150)
@given(policies, capped_days(5), capped_days(5))
def test_parts_of_days_with_capped_creators_sum_to_the_change_and_negate_when_swapped(policy, first, second):
    check_capped_days(policy, first, second)


@pytest.mark.prove
@settings(max_examples=3_000)
@given(policies, capped_days(7), capped_days(7))
def test_parts_of_many_days_with_capped_creators_sum_to_the_change(policy, first, second):
    check_capped_days(policy, first, second)


def test_video_held_at_its_floor_by_its_creators_cap_is_not_priced_at_the_pools_price():
    policy = with_split(LOG, lambda_eff=0.3)
    creator = np.array(["A", "A", "B", "B"])
    day = PoolDay(
        1_000_000, np.array([1000, 200, 1000, 1000]), np.full((4, 5), 0.5), 100_000, np.inf, creator, {"A": 250_000}
    )
    (before, paid), (after, paid_after) = day.state(policy), replace(day, money=1_500_000).state(policy)
    assert paid.tolist() == [150_000, 100_000, 375_000, 375_000]
    assert paid_after.tolist() == [150_000, 100_000, 625_000, 625_000]
    whole = whole_parts(payout_parts(before, after, policy, halves(before, after)), paid_after - paid)
    assert whole["pool_size"][2] == whole["revenue"][2] > 0
    for name, part in whole.items():
        assert part[:2].tolist() == [0, 0], name
        assert name in ("pool_size", "revenue", "competition") or part[2:].tolist() == [0, 0], name


def test_pool_of_creators_who_all_earn_their_caps_has_no_rounding():
    # With these caps any price in a range solves the pool; the price chosen must pay the creators.
    creator = np.array(["A", "A", "B"])
    caps = {"A": 300, "B": 500}
    day = PoolDay(800, np.array([9, 1, 5]), np.full((3, 5), 0.5), 0, np.inf, creator, caps)
    later = replace(day, money=900, creator_caps={"A": 300, "B": 600})
    for policy in (LOG, LINEAR, with_split(LINEAR, lambda_eff=1.0)):
        (before, paid), (after, paid_after) = day.state(policy), later.state(policy)
        whole = whole_parts(payout_parts(before, after, policy, halves(before, after)), paid_after - paid)
        assert (paid_after - paid).tolist() == [0, 0, 100]
        assert whole["rounding"].tolist() == [0, 0, 0]
        assert {name: part[:2].tolist() for name, part in whole.items() if part[:2].any()} == {}


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0])
def test_interior_split_is_the_log_decomposition_factor_by_factor(alpha):
    policy = DayPolicy(SplitPolicy("log", alpha, 0.0), EXPONENTS)
    first, second = interior_day(), interior_day(money=3 * 10**9)
    before, after = first.state(policy)[0], second.state(policy)[0]
    parts = payout_parts(before, after, policy, halves(before, after))

    # p = P · views^α Π c_k^(α φ_k) / Σ M^α, computed independently here.
    quality = [np.prod(day.components ** np.array(list(EXPONENTS.values())), axis=1) for day in (first, second)]
    weights = [np.sum((day.views * q) ** alpha) for day, q in zip((first, second), quality, strict=True)]
    payout = [
        day.money * (day.views * q) ** alpha / total
        for day, q, total in zip((first, second), quality, weights, strict=True)
    ]
    mean = (payout[1] - payout[0]) / np.log(payout[1] / payout[0])
    expected = {
        "revenue": mean * np.log(3.0),
        "views": mean * alpha * np.log(second.views / first.views),
        "competition": -mean * np.log(weights[1] / weights[0]),
    }
    for k, (name, phi) in enumerate(EXPONENTS.items()):
        expected[name] = mean * alpha * phi * np.log(second.components[:, k] / first.components[:, k])
    for name, value in expected.items():
        assert_allclose(parts[name], value, rtol=1e-9, atol=1e-3)
    assert_array_equal(parts["bounds"], 0.0)


def test_two_terms_of_the_log_objective_are_split_each_by_its_own_power():
    policy = with_split(LOG, lambda_eff=0.4, alpha=0.5)
    day = interior_day()
    later = with_views(day, day.views * np.array([1, 2, 3, 4, 5, 6]))
    before, after = day.state(policy)[0], later.state(policy)[0]
    quality = np.prod(day.components ** np.array(list(EXPONENTS.values())), axis=1)
    expected = 0.0
    for weight, power in ((0.6, 0.5), (0.4, 1.0)):
        terms = []
        for views in (day.views, later.views):
            m = (views * quality) ** power
            terms.append(day.money * weight * m / m.sum())
        mean = np.where(terms[1] == terms[0], terms[0], (terms[1] - terms[0]) / np.log(terms[1] / terms[0]))
        expected = expected + mean * power * np.log(later.views / day.views)
    assert_allclose(payout_parts(before, after, policy, halves(before, after))["views"], expected, rtol=1e-9)


@pytest.mark.parametrize("policy", [LOG, with_split(LOG, lambda_eff=0.6), LINEAR, with_split(LINEAR, lambda_eff=0.99)])
def test_revenue_alone_is_all_of_the_change(policy):
    day = interior_day(n=3)
    before, after = day.state(policy)[0], replace(day, money=2 * day.money).state(policy)[0]
    parts = payout_parts(before, after, policy, halves(before, after))
    assert_allclose(parts["revenue"], after.payout - before.payout, rtol=1e-9)
    assert max(np.abs(part).max() for name, part in parts.items() if name != "revenue") < 1e-3


@pytest.mark.parametrize("name", [*EXPONENTS, "views"])
@pytest.mark.parametrize("policy", [LOG, with_split(LOG, lambda_eff=0.6), with_split(LINEAR, lambda_eff=0.9)])
def test_own_factor_alone_at_a_constant_price_is_all_of_the_change(policy, name):
    day = interior_day(n=1)
    components = dict(zip(EXPONENTS, day.components.T, strict=True))
    videos = day.paid(policy)
    dual = published_price(PoolDay(10**9, *_among_others(day)).paid(policy), 1e9, policy)
    before = published_state(dual, replace(videos, bound=np.array(["interior"])))
    factor = 0.5
    changed: dict[str, Any] = {"views": videos.views * factor} if name == "views" else {}
    if name != "views":
        changed = {"components": components | {name: components[name] * factor}}
    power = 1.0 if name == "views" else EXPONENTS[name]
    impressions = videos.effective_impressions * factor**power
    later = replace(videos, bound=np.array(["interior"]), effective_impressions=impressions, **changed)
    after = published_state(dual, later)
    parts = payout_parts(before, after, policy, halves(before, after))
    assert_allclose(parts[name], after.payout - before.payout, rtol=1e-6)


def _among_others(day: PoolDay) -> tuple[np.ndarray, np.ndarray]:
    views = np.concatenate([day.views, [500, 70]])
    return views, np.concatenate([day.components, [[0.5] * 5, [0.8] * 5]])


def test_bound_that_moves_alone_is_all_of_the_change():
    day = PoolDay(1000, np.array([1000, 10, 10]), np.full((3, 5), 0.5), cap=400.0)
    before = day.state(LOG)[0]
    after = replace(before, upper=np.where(before.upper < np.inf, 450.0, np.inf))
    parts = payout_parts(before, after, LOG, halves(before, after))
    assert before.upper[0] == 400.0
    assert parts["bounds"].tolist() == [50.0, 0.0, 0.0]
    assert max(np.abs(part).max() for name, part in parts.items() if name != "bounds") == 0.0


@settings(max_examples=100)
@given(policies, pool_days(4), pool_days(4))
def test_bounds_get_their_shapley_value_beside_the_free_payout(policy, first, second):
    before, after = first.state(policy)[0], second.state(policy)[0]
    days = {0: before, 1: after}

    def worth(players: frozenset[str]):
        free, bounds = days[int("free" in players)], days[int("bounds" in players)]
        return np.clip(free.free, bounds.lower, bounds.upper)

    shapley = dict.fromkeys(("free", "bounds"), 0.0)
    for order in permutations(shapley):
        for place, player in enumerate(order):
            added = worth(frozenset(order[: place + 1])) - worth(frozenset(order[:place]))
            shapley[player] = shapley[player] + added / 2
    parts = payout_parts(before, after, policy, halves(before, after))
    assert_allclose(parts["bounds"], shapley["bounds"], atol=1e-6)
    assert_allclose(sum(part for name, part in parts.items() if name != "bounds"), shapley["free"], atol=1e-4)


def test_capped_part_of_a_gain_is_split_as_along_the_path_of_even_log_changes():
    # Views double and the pool grows by half while the cap holds from 120 on: integrate dp along the path.
    base = PoolDay(1000, np.array([10, 10]), np.full((2, 5), 0.5)).state(LOG)[0]
    before = replace(base, fairness=np.array([90.0, 90.0]), upper=np.full(2, 120.0))
    views = base.views * np.array([2.0, 1.0])
    after = replace(
        before, views=views, money=1500.0, fairness=np.array([90.0 * 1.5 * 2**0.5, 135.0]), upper=np.full(2, 120.0)
    )
    parts = payout_parts(before, after, LOG, halves(before, after))
    t = (np.arange(200_000) + 0.5) / 200_000
    path = 90.0 * (1.5 * 2**0.5) ** t
    growth = path[path < 120.0].sum() / t.size
    assert parts["views"][0] == pytest.approx(growth * 0.5 * np.log(2), rel=1e-4)
    assert parts["revenue"][0] == pytest.approx(growth * np.log(1.5), rel=1e-4)
    assert parts["revenue"][1] == pytest.approx(30.0)


def test_component_that_was_zero_gets_the_whole_change_and_several_share_by_exponent():
    low, high = np.full((3, 5), 0.5), np.full((3, 5), 0.5)
    low[0, 1] = 0.0  # no engagement
    low[1, 1] = low[1, 2] = 0.0  # neither engagement nor diversity
    views = np.array([10, 10, 10])
    before, after = (PoolDay(900_000, views, c).state(LOG)[0] for c in (low, high))
    parts = payout_parts(before, after, LOG, halves(before, after))
    assert_allclose(parts["engagement_rate"], [300_000.0, 300_000.0 * 25 / 40, 0.0], atol=1e-3)
    assert_allclose(parts["engagement_diversity"], [0.0, 300_000.0 * 15 / 40, 0.0], atol=1e-3)
    assert_allclose(parts["competition"], [0.0, 0.0, -600_000.0], atol=1e-3)


def test_pool_without_money_on_one_day_is_revenue():
    day = interior_day(n=3)
    before, after = replace(day, money=0).state(LOG)[0], day.state(LOG)[0]
    assert_allclose(payout_parts(before, after, LOG, halves(before, after))["revenue"], after.payout)


@pytest.mark.slow
@settings(max_examples=100)
@given(policies, policies, pool_days(4, zeros=False), pool_days(4, zeros=False))
def test_changed_policy_gets_its_shapley_value_and_all_parts_close(old, new, first, second):
    new = replace(new, exponents=dict(zip(EXPONENTS, [0.2, 0.2, 0.2, 0.2, 0.2], strict=True)))
    states, payouts = four_states((old, new), (first, second))
    parts = policy_parts(states, (old, new), halves(states[0, 0], states[1, 1]))
    assert_allclose(sum(parts.values()), states[1, 1].payout - states[0, 0].payout, atol=1e-3)
    worth = {
        (False, False): states[0, 0].payout,
        (True, False): states[1, 0].payout,
        (False, True): states[0, 1].payout,
        (True, True): states[1, 1].payout,
    }
    first_in = worth[False, True] - worth[False, False]
    last_in = worth[True, True] - worth[True, False]
    assert_allclose(parts["policy"], (first_in + last_in) / 2, atol=1e-6)
    back_states, _ = four_states((new, old), (second, first))
    back = policy_parts(back_states, (new, old), halves(back_states[0, 0], back_states[1, 1]))
    for name, part in parts.items():
        assert_allclose(back[name], -part, atol=1e-3)
    assert_allclose(states[1, 1].payout, payouts[1], atol=1.01)


def test_policy_alone_is_all_of_the_change():
    day = interior_day()
    policies_ = (LOG, with_split(LOG, alpha=0.9))
    states, _ = four_states(policies_, (day, day))
    parts = policy_parts(states, policies_, halves(states[0, 0], states[1, 1]))
    assert_allclose(parts["policy"], states[1, 1].payout - states[0, 0].payout)
    assert max(np.abs(part).max() for name, part in parts.items() if name != "policy") < 1e-3


def four_states(both, days):
    states, payouts = {}, []
    for d, day in enumerate(days):
        videos = day.paid(both[d])
        payouts.append(videos.payout)
        states[d, d] = published_state(published_price(videos, day.money, both[d]), videos)
        impressions = videos.impressions_under(both[1 - d])
        other = other_price(videos, day.money, both[1 - d], impressions, day.cap)
        states[d, 1 - d] = other_state(other, videos, impressions, day.cap)
    return states, payouts


@pytest.mark.slow
@settings(max_examples=100)
@given(policies, policies, capped_days(4, zeros=False), capped_days(4, zeros=False))
def test_changed_policy_of_capped_creators_closes(old, new, first, second):
    new = replace(new, exponents=dict(zip(EXPONENTS, [0.2, 0.2, 0.2, 0.2, 0.2], strict=True)))
    states, payouts = four_states((old, new), (first, second))
    parts = policy_parts(states, (old, new), halves(states[0, 0], states[1, 1]))
    assert_allclose(sum(parts.values()), states[1, 1].payout - states[0, 0].payout, atol=1e-3)
    assert_allclose(states[0, 0].payout, payouts[0], atol=1.01)
    assert_allclose(states[1, 1].payout, payouts[1], atol=1.01)
    for (day, policy), state in states.items():
        videos, pool = (first, second)[day].paid((old, new)[day]), (first, second)[day]
        held = set(videos.creator[videos.bound == "creator_cap"])
        for creator in held:
            own = pool.creator == creator
            assert state.payout[own].sum() <= videos.payout[own].sum() + own.sum(), (day, policy)


@settings(max_examples=60)
@given(st.integers(-5, 5), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_whole_parts_close_for_any_rounding_of_payouts(off, amounts):
    change = np.array([round(sum(amounts)) + off])
    parts = {"views": np.array(amounts[:1]), "my_signal": np.array(amounts[1:2]), "bounds": np.array(amounts[2:])}
    whole = whole_parts(parts, change)
    assert summed(whole)[0] == change[0]
    assert whole["custom"][0] == round(amounts[1])
