"""Points of the frontier against an interior-point solver, and properties of every frontier."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Literal

import cvxpy as cp
import numpy as np
import pytest
from tests.comparison.pools import capped_pool, random_pool

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.frontier import sweep, undominated
from creatorpool.comparison.measures import small_creators
from creatorpool.comparison.pool import Pool

GRID = (0.0, 0.3, 0.8, 0.99, 0.9999, 1.0)


def points_of(pool: Pool, policies: list[SplitPolicy]):
    return sweep(pool, small_creators(pool.creator, pool.effective_impressions, 0.5), policies)


def solved(pool: Pool, policy: SplitPolicy) -> np.ndarray:
    """Shares of the money by cvxpy, from the program's definition."""
    m = pool.effective_impressions
    rated = m > 0
    s = m / m.sum()
    w = np.where(rated, s**policy.alpha, 0)
    p = cp.Variable(m.size)
    if policy.objective == "log":
        goal = cp.sum(cp.multiply((1 - policy.lambda_eff) * (w / w.sum())[rated], cp.log(p[rated])))
        goal += cp.sum(cp.multiply(policy.lambda_eff * s[rated], cp.log(p[rated])))
    else:
        goal = (1 - policy.lambda_eff) * cp.sum(cp.multiply(w[rated], cp.log(p[rated]))) + policy.lambda_eff * (s @ p)
    floor = pool.floor / pool.money
    cap = np.where(rated, 1 if pool.cap is None else pool.cap / pool.money, floor)
    tight = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    rules = [cp.sum(p) == 1, p >= floor, p <= cap]
    if pool.creators is not None:
        limits = pool.creators.cap / pool.money
        rules += [cp.sum(p[pool.creators.code == g]) <= limits[g] for g in np.flatnonzero(np.isfinite(limits))]
    cp.Problem(cp.Maximize(goal), rules).solve(solver=cp.CLARABEL, **tight)
    return p.value


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("is_capped", [False, True])
def test_points_agree_with_an_interior_point_solver(
    seed: int, objective: Literal["linear", "log"], is_capped: bool
) -> None:
    bounds = {"floor": 5_000_000, "cap": 250_000_000} if seed % 2 else {}
    pool = capped_pool(seed, 0.15, **bounds) if is_capped else random_pool(seed, **bounds)
    policies = [SplitPolicy(objective, alpha, place) for alpha in (0.4, 1.0) for place in (0.0, 0.5, 0.9)]
    s = pool.effective_impressions / pool.effective_impressions.sum()

    for policy, point in zip(policies, points_of(pool, policies), strict=True):
        part = solved(pool, policy)
        w = np.where(s > 0, s**policy.alpha, 0)
        assert point.efficiency == pytest.approx(s @ part, abs=1e-5)
        assert point.fairness == pytest.approx((w / w.sum())[s > 0] @ np.log(part[s > 0]), abs=1e-4)
        assert point.efficiency_log == pytest.approx(s[s > 0] @ np.log(part[s > 0]), abs=1e-4)
        ordered = np.sort(np.clip(part, 0, None))
        n = ordered.size
        gini = sum((2 * i - n - 1) * x for i, x in enumerate(ordered, 1)) / (n * ordered.sum())
        assert point.spread.gini == pytest.approx(gini, abs=1e-4)
        assert point.max_kkt_residual <= 1e-9 * pool.money


@pytest.mark.parametrize("seed", range(5))
def test_more_efficiency_costs_fairness_under_either_objective(seed: int) -> None:
    pool = random_pool(seed, videos=40)
    linear = points_of(pool, [SplitPolicy("linear", 0.5, place) for place in GRID])
    log = points_of(pool, [SplitPolicy("log", 0.5, place) for place in GRID])

    for one, other in itertools.pairwise(linear):
        assert other.efficiency >= one.efficiency - 1e-9
        assert other.fairness <= one.fairness + 1e-9
    for one, other in itertools.pairwise(log):
        assert other.efficiency_log >= one.efficiency_log - 1e-9
        assert other.fairness <= one.fairness + 1e-9
    assert all(undominated(linear))


def test_linear_objective_moves_nothing_until_lambda_is_almost_1() -> None:
    """Formulas §6.1: with a hundred thousand videos λ_eff = 0.99 does almost nothing under the linear objective."""
    pool = random_pool(1, videos=100_000, unrated=0.0)
    fair, late, end = points_of(pool, [SplitPolicy("linear", 0.5, place) for place in (0.0, 0.99, 1.0)])
    log = points_of(pool, [SplitPolicy("log", 0.5, 0.5)])[0]

    assert late.moved < 0.001 * pool.money
    assert abs(late.spread.gini - fair.spread.gini) < 0.001
    assert end.spread.effective_videos == 1
    assert end.fairness == -math.inf
    assert log.moved > 0.1 * pool.money


def test_dominated_points_are_found_within_each_alpha() -> None:
    pool = random_pool(3, videos=60)
    points = points_of(
        pool, [SplitPolicy("linear", 0.5, 0.99), SplitPolicy("linear", 0.5, 1.0), SplitPolicy("log", 0.5, 1.0)]
    )
    best = undominated(points)

    for point, is_best in zip(points, best, strict=True):
        beaten = [o for o in points if o.fairness > point.fairness and o.efficiency > point.efficiency]
        assert is_best == (not beaten)


def test_split_at_both_ends_of_the_log_objective_is_the_sources_special_cases() -> None:
    pool = random_pool(2)
    s = pool.effective_impressions / pool.effective_impressions.sum()
    w = np.where(s > 0, s**0.3, 0)

    np.testing.assert_allclose(pool.split(SplitPolicy("log", 0.3, 1.0)).payout, pool.money * s, rtol=1e-12)
    np.testing.assert_allclose(pool.split(SplitPolicy("log", 0.3, 0.0)).payout, pool.money * w / w.sum(), rtol=1e-12)


def test_split_with_caps_below_the_money_pays_the_caps() -> None:
    pool = random_pool(2, floor=1_000, cap=1_000_000)
    rated = pool.effective_impressions > 0

    np.testing.assert_allclose(
        pool.split(SplitPolicy("linear", 0.5, 0.3)).payout, np.where(rated, 1e6, 1e3), rtol=1e-12
    )


@pytest.mark.parametrize("objective", ["linear", "log"])
def test_split_keeps_every_creator_within_the_cap_at_any_lambda(objective: Literal["linear", "log"]) -> None:
    pool = capped_pool(5, 0.12, floor=1_000)
    assert pool.creators is not None
    binding = 0
    for place in GRID:
        payout = pool.split(SplitPolicy(objective, 0.5, place)).payout
        earned = np.bincount(pool.creators.code, payout)
        assert math.fsum(payout) == pytest.approx(pool.money, rel=1e-12)
        assert np.all(earned <= pool.creators.cap * (1 + 1e-12))
        binding += int(np.count_nonzero(np.isclose(earned, pool.creators.cap)))
    assert binding > 0


def test_split_with_creators_caps_below_the_money_pays_the_caps() -> None:
    pool = capped_pool(5, 0.01)
    assert pool.creators is not None
    everyone = replace(pool, creators=replace(pool.creators, cap=np.full(pool.creators.label.size, 0.01 * pool.money)))
    rated = np.bincount(everyone.creators.code, everyone.effective_impressions) > 0
    payable = everyone.creators.cap[rated].sum()
    payout = everyone.split(SplitPolicy("log", 0.5, 0.3)).payout

    assert payable < pool.money
    assert math.fsum(payout) == pytest.approx(payable, rel=1e-12)
