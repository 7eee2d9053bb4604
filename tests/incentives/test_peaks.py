from __future__ import annotations

import numpy as np
import pytest

from creatorpool.incentives import Policy, QuadraticCost, payoffs
from creatorpool.incentives.peaks import branch_near, local_maxima


def test_local_maxima_agree_with_a_grid_and_corners_are_exact() -> None:
    rng, grid = np.random.default_rng(8), np.linspace(0.0, 1.0, 20_001)
    for _ in range(60):
        n = int(rng.integers(2, 40))
        policy = Policy(
            rng.uniform(0, 30), n, int(rng.integers(1, n)), rng.uniform(0, 200), 2.0, 50.0, rng.uniform(0, 1)
        )
        cost = QuadraticCost(float(rng.uniform(20, 300)))
        utility = payoffs(policy, cost, grid).creator
        padded = np.concatenate([[-np.inf], utility, [-np.inf]])
        on_grid = grid[(utility > padded[:-2]) & (utility > padded[2:])]
        peaks = local_maxima(policy, cost)
        np.testing.assert_allclose(peaks, on_grid, atol=1.01 * grid[1])
        assert (peaks[-1] == 1.0) == (on_grid[-1] == 1.0)


def test_quality_zero_is_no_peak_if_utility_rises_there() -> None:
    """At q = 0 the slope of utility is 0, and its curvature is positive because of the prize for one success."""
    policy, cost = Policy(0.0, 10, 1, 0.0, 0.0, 50.0, 0.5), QuadraticCost(40.0)
    assert local_maxima(policy, cost).size == 1
    assert branch_near(policy, cost, 0.9).rival is None


def test_quality_zero_is_a_peak_if_utility_falls_there() -> None:
    policy, cost = Policy(0.0, 10, 8, 0.0, 0.0, 50.0, 0.5), QuadraticCost(40.0)
    assert local_maxima(policy, cost)[0] == 0.0
    assert branch_near(policy, cost, 0.0).at.creator == pytest.approx(0.0)
