"""Whole micros under creators' caps: the nearest feasible ones, by a linear program and by a greedy algorithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from creatorpool.allocation.creator_rounding import creator_rounding
from creatorpool.allocation.payout import place_among
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.errors import InputError
from creatorpool.money import apply_rounding, round_to_total


@dataclass(frozen=True)
class Pool:
    """Real amounts, integer bounds of videos and creators, and the total in micros."""

    amount: np.ndarray
    total: int
    lower: np.ndarray
    upper: np.ndarray
    creators: PoolCreators
    binding: np.ndarray
    ids: np.ndarray

    @property
    def most(self) -> np.ndarray:
        """(G,) most micros of each creator."""
        return np.minimum(self.creators.cap, self.sums(self.upper))

    @property
    def is_feasible(self) -> bool:
        least = self.sums(self.lower)
        return bool(np.all(least <= self.creators.cap)) and least.sum() <= self.total <= self.most.sum()

    @property
    def met(self) -> np.ndarray:
        """Binding creators, who earn their caps exactly; none if that alone would pay too much."""
        least = self.sums(self.lower)
        rest = np.setdiff1d(np.arange(self.creators.label.size), self.binding)
        is_payable = self.most[self.binding].sum() + least[rest].sum() <= self.total
        return self.binding if is_payable else self.binding[:0]

    def sums(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.creators.code, values, minlength=self.creators.label.size)

    def rows(self, chosen: np.ndarray) -> Pool:
        creators = PoolCreators(self.creators.code[chosen], self.creators.label, self.creators.cap)
        columns = (self.amount[chosen], self.total, self.lower[chosen], self.upper[chosen])
        return Pool(*columns, creators, self.binding, self.ids[chosen])


def random_pool(seed: int) -> Pool:
    """A pool with ties and tight caps; total and binding creators follow from the amounts, or are arbitrary."""
    rng = np.random.default_rng(seed)
    n, groups = int(rng.integers(1, 11)), int(rng.integers(1, 5))
    amount = np.round(rng.exponential(rng.choice([0.4, 3.0, 9.0]), n), int(rng.integers(0, 3)))
    lower = np.floor(amount * rng.choice([0.0, 0.5, 1.0], n)).astype(np.int64)
    upper = np.ceil(amount * rng.choice([1.0, 1.5, 4.0], n)).astype(np.int64) + rng.integers(0, 2, n)
    code = rng.integers(0, groups, n)
    room = np.bincount(code, amount, groups)
    cap = np.where(rng.random(groups) < 0.3, np.inf, np.floor(room + rng.choice([0.0, 0.99, 3.0], groups)))
    total = int(np.rint(amount.sum())) if rng.random() < 0.6 else int(rng.integers(lower.sum(), upper.sum() + 1))
    binding = np.flatnonzero(np.isfinite(cap) & (np.abs(room - cap) < 1) & (rng.random(groups) < 0.5))
    creators = PoolCreators(code, np.arange(groups), cap)
    return Pool(amount, total, lower, upper, creators, binding, rng.permutation(n))


def rounded(pool: Pool) -> np.ndarray:
    own, rule = creator_rounding(pool.amount, pool.total, pool.lower, pool.upper, pool.creators, pool.binding)
    lower, upper = pool.lower, pool.upper
    if own is not None:
        columns = (pool.amount, pool.lower, pool.upper, place_among(own.creator, pool.creators.code), pool.ids)
        open_ties = own.bounds(*columns).raised_ties
        bounds = own.settled(open_ties, *columns[3:]).bounds(*columns)
        assert not bounds.raised_ties.any()
        lower, upper = bounds.lower, bounds.upper
    base, tied = apply_rounding(pool.amount, rule, lower, upper)
    assert base.sum() + rule.raised_ties == pool.total
    assert tied.sum() == rule.tied
    return round_to_total(pool.amount, pool.total, lower=lower, upper=upper, order=pool.ids)


def by_linear_program(pool: Pool) -> float:
    """Least Σ (x - p)²: each micro of each video is a variable in [0, 1] with its marginal cost."""
    video = np.repeat(np.arange(pool.amount.size), pool.upper - pool.lower)
    step = np.concatenate([np.arange(low, high) for low, high in zip(pool.lower, pool.upper, strict=True)])
    start = np.sum((pool.lower - pool.amount) ** 2)
    if video.size == 0:
        return float(start)
    cost = 2 * (step - pool.amount[video]) + 1
    of_creator = np.array([pool.creators.code[video] == g for g in pool.creators.label], dtype=float)
    room = pool.most - pool.sums(pool.lower)
    is_met = np.isin(pool.creators.label, pool.met)
    equal = np.vstack([np.ones(video.size), of_creator[is_met]])
    due = np.append(pool.total - pool.lower.sum(), room[is_met])
    found = linprog(cost, A_ub=of_creator, b_ub=room, A_eq=equal, b_eq=due, bounds=(0, 1), method="highs")
    assert found.status == 0, found.message
    return float(start + found.fun)


def one_micro_at_a_time(pool: Pool) -> np.ndarray:
    """Give each micro to the video furthest below its amount, ties by id; creators with exact caps come first."""
    paid, whole = pool.lower.copy(), np.floor(pool.amount)
    videos = np.arange(pool.amount.size)

    def give(micros: int, chosen: np.ndarray) -> None:
        for _ in range(micros):
            earned = pool.sums(paid)
            open_rows = [v for v in chosen if paid[v] < pool.upper[v] and earned[code[v]] < pool.creators.cap[code[v]]]
            best = min(open_rows, key=lambda v: (paid[v] - whole[v], whole[v] - pool.amount[v], pool.ids[v]))
            paid[best] += 1

    code = pool.creators.code
    for g in pool.met:
        give(int(pool.most[g] - pool.sums(paid)[g]), videos[code == g])
    give(pool.total - paid.sum(), videos[~np.isin(code, pool.met)])
    return paid


def check_against_both(seed: int) -> None:
    pool = random_pool(seed)
    if not pool.is_feasible:
        return
    micros = rounded(pool)
    assert micros.sum() == pool.total
    assert np.all((pool.lower <= micros) & (micros <= pool.upper))
    assert np.all(pool.sums(micros) <= pool.creators.cap)
    np.testing.assert_array_equal(pool.sums(micros)[pool.met], pool.most[pool.met])
    assert np.sum((micros - pool.amount) ** 2) == pytest.approx(by_linear_program(pool), abs=1e-7)
    np.testing.assert_array_equal(micros, one_micro_at_a_time(pool))

    shuffled = np.random.default_rng(seed).permutation(micros.size)
    np.testing.assert_array_equal(rounded(pool.rows(shuffled)), micros[shuffled])


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_micros_under_creators_caps_are_the_nearest_by_linear_program_and_by_greedy(seed):
    check_against_both(seed)


@pytest.mark.prove
def test_micros_of_five_thousand_pools_are_the_nearest_by_linear_program_and_by_greedy():
    for seed in range(5_000):
        check_against_both(seed)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_micros_that_no_bounds_allow_are_refused(seed):
    pool = random_pool(seed)
    least = pool.sums(pool.lower)
    if np.all(least <= pool.creators.cap) and not pool.is_feasible:
        with pytest.raises(InputError, match="bounds sum to"):
            rounded(pool)


def test_caps_that_cannot_be_reached_do_not_change_the_pools_rule():
    amount, lower, upper = np.array([1.5, 1.5, 2.5, 2.5]), np.zeros(4, int), np.full(4, 9)
    creators = PoolCreators(np.array([0, 0, 1, 1]), np.arange(2), np.array([5.0, np.inf]))
    own, _ = creator_rounding(amount, 8, lower, upper, creators, np.zeros(0, int))
    assert own is None


def test_creator_near_the_cap_takes_no_more_of_a_tie_than_the_cap_allows():
    # Remainders of 0.5 everywhere: the first ids would all be creator 0's, who has room for one micro.
    amount, lower, upper = np.full(6, 1.5), np.zeros(6, int), np.full(6, 9)
    creators = PoolCreators(np.array([0, 0, 0, 1, 1, 1]), np.arange(2), np.array([4.0, np.inf]))
    pool = Pool(amount, 9, lower, upper, creators, np.zeros(0, int), np.arange(6))
    assert rounded(pool).tolist() == [2, 1, 1, 2, 2, 1]


def test_binding_caps_that_sum_to_more_than_the_pool_need_not_be_met():
    # Two caps of 4e15 and a pool of one micro less: floats let both bind.
    creators = PoolCreators(np.array([0, 1]), np.arange(2), np.array([4e15, 4e15]))
    pool = Pool(
        np.full(2, 4e15), 8 * 10**15 - 1, np.zeros(2, int), np.full(2, 2**60), creators, np.arange(2), np.arange(2)
    )
    assert rounded(pool).tolist() == [4 * 10**15, 4 * 10**15 - 1]


def test_amounts_far_below_the_total_fill_creators_to_their_caps():
    creators = PoolCreators(np.array([0, 0, 1]), np.arange(2), np.array([7.0, np.inf]))
    pool = Pool(
        np.array([1.0, 1.0, 1.0]), 100, np.zeros(3, int), np.full(3, 1000), creators, np.zeros(0, int), np.arange(3)
    )
    assert rounded(pool).tolist() == [4, 3, 93]
