"""The money that the efficiency weight moves, and its missing effect in large pools (formulas §6.1)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from creatorpool.allocation import allocate, efficiency_moved, money_moved, program
from creatorpool.allocation.revenue import PoolRevenue
from creatorpool.allocation.settlement import settle_pool
from creatorpool.errors import InputError
from creatorpool.settings import load_settings


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
    moved = efficiency_moved(allocate(m, 50.0, alpha=0.5, lambda_eff=0.4, objective="log"))
    assert moved == pytest.approx(0.4 * 50.0 * 0.5 * np.abs(s - w).sum())


def test_efficiency_moved_linear_objective_vanishes_as_the_pool_grows():
    # The fairness weights sum to about sqrt(n), the efficiency weights to 1: at size n λ_eff moves about 1/sqrt(n).
    moved = []
    for n in (100, 10_000, 1_000_000):
        m = np.random.default_rng(0).lognormal(0.0, 1.0, n)
        moved.append(efficiency_moved(allocate(m, 1.0, alpha=0.5, lambda_eff=0.3)))
    assert moved[0] > 10 * moved[1] > 100 * moved[2] > 0
    assert moved[2] < 1e-5


BOUNDED = {"floor": 30.0, "cap": 900.0}
CREATORS = {"creator": [0, 0, 1, 1, 2] * 20, "creator_cap": {0: 2_000.0, 1: 1_500.0}}


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("lambda_eff", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("bounds", [{}, BOUNDED, BOUNDED | CREATORS], ids=["free", "bounded", "creators' caps"])
def test_efficiency_moved_is_the_distance_to_the_whole_solution_at_0(objective, lambda_eff, bounds):
    m = np.random.default_rng(4).pareto(1.1, 100)
    given = {"alpha": 0.7, "objective": objective, **bounds}
    fair = allocate(m, 10_000.0, lambda_eff=0.0, **given)

    allocation = allocate(m, 10_000.0, lambda_eff=lambda_eff, **given)

    assert efficiency_moved(allocation) == money_moved(allocation.payout, fair.payout)
    assert (efficiency_moved(allocation) == 0.0) == (lambda_eff == 0.0)


@pytest.mark.parametrize(("lambda_eff", "searches"), [(0.0, 1), (0.3, 2)])
def test_settled_pool_is_checked_and_measured_once(monkeypatch, lambda_eff, searches):
    counted: Counter[str] = Counter()
    for name in ("checked_videos", "share_totals", "residuals_of", "solve_pool"):
        count_calls(monkeypatch, counted, name)
    revenue = PoolRevenue("music", 2_000, 0.5, 1_000, "USD")

    settle_pool(revenue, np.arange(5.0), load_settings(assignments=[f"allocation.lambda_eff={lambda_eff}"]).allocation)

    assert counted == {"checked_videos": 1, "share_totals": 1, "residuals_of": 1, "solve_pool": searches}


def count_calls(monkeypatch, counted, name):
    counterpart = getattr(program, name)

    def counting(*arguments):
        counted[name] += 1
        return counterpart(*arguments)

    monkeypatch.setattr(program, name, counting)
