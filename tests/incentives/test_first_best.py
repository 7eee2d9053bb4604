"""The planner's quality against a dense grid and golden-section search in fifty digits, with corners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import mpmath as mp
import numpy as np
import pytest
from scipy.special import betainc

from creatorpool.incentives import Policy, PowerCost, QuadraticCost, first_best, implementability_bounty

from .exact import DIGITS, binomial_point

GRID = np.linspace(0.0, 1.0, 4_001)
GOLDEN_STEPS = 110


class Plan(NamedTuple):
    mass: float
    n: int
    k: int
    g0: float
    g1: float
    share: float
    scale: float
    exponent: float

    @property
    def policy(self) -> Policy:
        return Policy(self.mass, self.n, self.k, 0.0, self.g0, self.g1, self.share)

    @property
    def cost(self) -> QuadraticCost | PowerCost:
        return QuadraticCost(2 * self.scale) if self.exponent == 2 else PowerCost(self.scale, self.exponent)

    def on_grid(self) -> np.ndarray:
        passed = betainc(self.k, self.n - self.k + 1, GRID)
        exposure = self.mass + self.g0 + (self.g1 - self.g0) * passed
        return GRID * exposure - self.scale * GRID**self.exponent

    def welfare(self, q: mp.mpf) -> mp.mpf:
        passed = binomial_point(q, self.n, self.k)[0] if 0 < q < 1 else mp.mpf(int(q))
        spread = mp.mpf(self.g1) - mp.mpf(self.g0)
        return q * (mp.mpf(self.mass) + mp.mpf(self.g0) + spread * passed) - mp.mpf(self.scale) * q ** mp.mpf(
            self.exponent
        )


def drawn_plans(count: int, seed: int) -> Iterator[Plan]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.choice([rng.integers(1, 8), rng.integers(1, 60)]))
        k = int(rng.integers(1, n + 1))
        mass, g0, spread, share = (round(rng.uniform(0, top), 3) for top in (30, 20, 60, 1))
        exponent = float(rng.choice([2.0, round(rng.uniform(2, 5), 2)]))
        yield Plan(mass, n, k, g0, round(g0 + spread, 3), share, round(10 ** rng.uniform(0.3, 2), 3), exponent)


def golden_section(function: Callable[[mp.mpf], mp.mpf], low: float, high: float) -> mp.mpf:
    """The maximiser of a function with one peak in [low, high], ends included."""
    ratio = (mp.sqrt(5) - 1) / 2
    a, b = mp.mpf(low), mp.mpf(high)
    left, right = b - ratio * (b - a), a + ratio * (b - a)
    at_left, at_right = function(left), function(right)
    for _ in range(GOLDEN_STEPS):
        if at_left < at_right:
            a, left, at_left = left, right, at_right
            right = a + ratio * (b - a)
            at_right = function(right)
        else:
            b, right, at_right = right, left, at_left
            left = b - ratio * (b - a)
            at_left = function(left)
    return max((mp.mpf(low), (a + b) / 2, mp.mpf(high)), key=function)


def check_plan(plan: Plan) -> bool:
    """Check one plan; return whether its optimum is the corner q* = 1."""
    coarse = plan.on_grid()
    at = int(coarse.argmax())
    with mp.workdps(DIGITS):
        exact = golden_section(plan.welfare, GRID[max(at - 1, 0)], GRID[min(at + 1, GRID.size - 1)])
        found = first_best(plan.policy, plan.cost)
        best = plan.welfare(exact)
        assert plan.welfare(mp.mpf(float(found))) >= best - mp.mpf(1e-13) * (1 + abs(best))
        if abs(found - float(exact)) > 1e-9:
            pytest.fail(f"{plan}: {found!r} is not {mp.nstr(exact, 20)}")
    is_corner = float(exact) == 1.0
    assert (found == 1.0) == is_corner
    if is_corner:
        check_bounty_at_one(plan)
    return is_corner


def check_bounty_at_one(plan: Plan) -> None:
    """At q* = 1 a bounty has an effect only if k = n, where π′(1) = n."""
    certificate = implementability_bounty(plan.policy, plan.cost)
    marginal = plan.mass + plan.g1 + (plan.g1 - plan.g0) * (plan.n if plan.k == plan.n else 0)
    shortfall = min(marginal, plan.scale * plan.exponent) - plan.share * marginal
    assert certificate.target_quality == 1.0
    if shortfall <= 0:
        assert certificate.bounty == 0
    elif plan.k < plan.n:
        assert np.isinf(certificate.bounty)
        assert not certificate.certified
    else:
        assert certificate.bounty == pytest.approx(shortfall / plan.n, rel=1e-9)


def test_first_best_of_a_corner_is_one_and_its_bounty_infinite() -> None:
    assert check_plan(Plan(4.818, 5, 3, 14.997, 49.015, 0.608, 50.97 / 2, 2.0))


@pytest.mark.slow
def test_first_best_of_drawn_plans_agrees_with_golden_section_search() -> None:
    corners = [check_plan(plan) for plan in drawn_plans(40, seed=18)]
    assert 5 < sum(corners) < 35


@pytest.mark.prove
def test_first_best_of_543_plans_agrees_with_golden_section_search() -> None:
    corners = [check_plan(plan) for plan in drawn_plans(543, seed=19)]
    assert sum(corners) > 57
