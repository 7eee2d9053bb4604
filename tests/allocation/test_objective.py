"""Shares, fairness weights and the constants of the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from creatorpool.allocation.objective import pool_objective, power, share_totals


@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e300])
def test_share_totals_extreme_units_stay_in_range(unit):
    totals = share_totals(np.array([1.0, 3.0, 4.0]) * unit, 1.0)
    assert 0.5 <= 4.0 * unit * totals.scale < 1.0
    assert totals.total / (4.0 * unit * totals.scale) == pytest.approx(2.0)


def test_share_totals_no_impressions_are_zero():
    totals = share_totals(np.zeros(3), 0.5)
    assert (totals.total, totals.weight_total) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["linear", "log"])
@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0])
def test_numerator_over_distance_is_the_closed_form(name, alpha):
    m, pool, lambda_eff, nu = np.array([5.0, 1.0, 2.5]), 70.0, 0.35, 0.031
    s = m / m.sum()
    w = s**alpha
    expected = (0.65 * w) / (nu - 0.35 * s / pool) if name == "linear" else (0.65 * w / w.sum() + 0.35 * s) / nu
    goal = pool_objective(share_totals(m, alpha), pool, alpha=alpha, lambda_eff=lambda_eff, name=name)
    x = goal.scaled(m)
    distance = nu / goal.price_unit - goal.pole_slope * x
    np.testing.assert_allclose(goal.numerator(x) / distance, expected, rtol=1e-13)


def test_numerators_of_whole_pool_equal_those_row_by_row():
    m = np.random.default_rng(0).pareto(1.0, 50_000)
    goal = pool_objective(share_totals(m, 0.7), 1e6, alpha=0.7, lambda_eff=0.3, name="log")
    np.testing.assert_array_equal(
        goal.numerators(m)[::7], [goal.numerator(goal.scaled(m[i : i + 1]))[0] for i in range(0, 50_000, 7)]
    )


def test_power_half_and_one_are_exactly_rounded():
    x = np.random.default_rng(0).random(1000)
    np.testing.assert_array_equal(power(x, 0.5), np.sqrt(x))
    np.testing.assert_array_equal(power(x, 1.0), x)
