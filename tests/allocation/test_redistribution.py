"""The money that the efficiency weight moves, and its missing effect in large pools (formulas §6.1)."""

from __future__ import annotations

import numpy as np
import pytest

from creatorpool.allocation import allocate, efficiency_moved, money_moved
from creatorpool.errors import InputError


def test_money_moved_half_of_what_changes():
    assert money_moved([5.0, 3.0, 2.0], [4.0, 6.0, 0.0]) == 3.0
    assert money_moved([], []) == 0.0


@pytest.mark.parametrize(("one", "other"), [([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_money_moved_of_different_shapes_is_refused(one, other):
    with pytest.raises(InputError, match="must have the same shape"):
        money_moved(one, other)


def test_efficiency_moved_log_objective_is_the_distance_of_the_two_mixtures():
    # Payouts are P(λ_fair ŵ + λ_eff s), so λ_eff moves λ_eff P ½ Σ|s - ŵ|.
    m = np.array([1.0, 4.0, 9.0])
    s, w = m / 14, np.array([1.0, 2.0, 3.0]) / 6
    payout = allocate(m, 50.0, alpha=0.5, lambda_eff=0.4, objective="log").payout
    moved = efficiency_moved(payout, m, 50.0, alpha=0.5, objective="log")
    assert moved == pytest.approx(0.4 * 50.0 * 0.5 * np.abs(s - w).sum())


def test_efficiency_moved_linear_objective_vanishes_as_the_pool_grows():
    # The fairness weights sum to about sqrt(n), the efficiency weights to 1: at size n λ_eff moves about 1/sqrt(n).
    moved = []
    for n in (100, 10_000, 1_000_000):
        m = np.random.default_rng(0).lognormal(0.0, 1.0, n)
        payout = allocate(m, 1.0, alpha=0.5, lambda_eff=0.3).payout
        moved.append(efficiency_moved(payout, m, 1.0, alpha=0.5))
    assert moved[0] > 10 * moved[1] > 100 * moved[2] > 0
    assert moved[2] < 1e-5
