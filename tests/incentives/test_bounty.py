from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.incentives import (
    Policy,
    PowerCost,
    QuadraticCost,
    best_response,
    bounty_beats_subsidy,
    elasticity,
    first_best,
    implementability_bounty,
    leverage,
    pass_probability,
    pass_slope,
    payoffs,
)

GRID = np.linspace(0.0, 1.0, 20_001)


def test_bounty_of_the_counterexample_of_the_formulas_is_refused() -> None:
    """Formulas §6.4: B* ≈ 102,080 for q* = 0.08, but the creator's best response is 0.856."""
    certificate = implementability_bounty(Policy(20, 20, 10, 0, 0, 60, 0.45), QuadraticCost(250.0))
    assert not certificate.certified
    assert certificate.target_quality == pytest.approx(0.08, abs=1e-4)
    assert certificate.bounty == pytest.approx(102_080, rel=1e-3)
    assert certificate.induced_quality == pytest.approx(0.856, abs=1e-3)
    assert certificate.expected_spend < 1 < 1e5 < certificate.induced_spend


@settings(max_examples=40)
@given(
    st.integers(4, 40), st.floats(0.2, 0.8), st.floats(0, 40), st.floats(0, 10), st.floats(0, 80), st.floats(0, 0.99)
)
def test_bounty_when_certified_induces_the_first_best(
    n: int, rate: float, mass: float, g0: float, spread: float, share: float
) -> None:
    policy, cost = Policy(mass, n, max(1, round(rate * n)), 0, g0, g0 + spread, share), QuadraticCost(180.0)
    certificate = implementability_bounty(policy, cost)
    bounty = float(certificate.bounty)
    if not np.isfinite(certificate.bounty):
        assert not certificate.certified
        return
    paid = replace(policy, bounty=certificate.bounty)
    utility = payoffs(paid, cost, GRID).creator
    at_target = payoffs(paid, cost, certificate.target_quality)
    if certificate.certified:
        assert at_target.creator >= utility.max() - 1e-9 * max(1.0, bounty)
        assert certificate.expected_spend == pytest.approx(at_target.probability * certificate.bounty, rel=1e-9)
    elif certificate.induced_spend < 1e9:
        assert (
            abs(best_response(paid, cost) - certificate.target_quality) > 1e-5 or (utility.max() - utility.min()) < 1e-3
        )


def test_bounty_formula_at_an_interior_target_matches_equation_11() -> None:
    policy, cost = Policy(30, 20, 8, 0, 2, 60, 0.5), PowerCost(100.0, 2.5)
    certificate = implementability_bounty(policy, cost)
    q = first_best(policy, cost)
    m = 32 + 58 * (pass_probability(q, 20, 8) + q * pass_slope(q, 20, 8))
    assert m == pytest.approx(float(cost.slope(np.asarray(q))), rel=1e-7)
    assert certificate.bounty == pytest.approx(0.5 * m / pass_slope(q, 20, 8), rel=1e-9)
    assert certificate.certified


def test_bounty_with_the_whole_revenue_is_zero_and_certified() -> None:
    certificate = implementability_bounty(Policy(20, 20, 8, 0, 0, 40, 1.0), QuadraticCost(200.0))
    assert certificate.bounty == pytest.approx(0, abs=1e-9)
    assert certificate.certified


def test_bounty_without_a_slope_of_the_pass_is_infinite_and_refused() -> None:
    certificate = implementability_bounty(Policy(20, 10, 0, 0, 0, 40, 0.5), QuadraticCost(200.0))
    assert np.isinf(certificate.bounty)
    assert np.isnan(certificate.induced_quality)
    assert not certificate.certified


def test_bounty_at_a_target_of_one_is_the_least_that_induces_it() -> None:
    policy, cost = Policy(300, 10, 10, 0, 0, 0, 0.6), QuadraticCost(200.0)
    certificate = implementability_bounty(policy, cost)
    assert certificate.target_quality == pytest.approx(1)
    assert certificate.bounty == pytest.approx((200 - 0.6 * 300) / 10, rel=1e-6)
    assert certificate.certified


def test_bounties_of_an_array_keep_its_shape() -> None:
    share = np.array([[0.3], [0.6], [1.0]])
    certificate = implementability_bounty(Policy(30, 20, np.array([7, 8]), 0, 2, 60, share), QuadraticCost(180.0))
    assert certificate.bounty.shape == certificate.certified.shape == (3, 2)
    assert (np.diff(certificate.bounty, axis=0) < 0).all()


def test_leverage_falls_in_quality_and_stays_finite_under_underflow() -> None:
    policy, q = Policy(20, 600, 500, 0, 0, 40, 0.5), np.linspace(0.001, 0.999, 200)
    assert (np.diff(leverage(policy, q)) < 0).all()
    assert leverage(policy, 0.001) == pytest.approx(500 / 0.001, rel=1e-2)  # π ~ q^k near q = 0


def test_bounty_beats_subsidy_exactly_where_elasticity_exceeds_one() -> None:
    policy, q = Policy(20, 20, 8, 0, 0, 40, 0.5), np.linspace(0.05, 0.95, 50)
    expected = q * pass_slope(q, 20, 8) > pass_probability(q, 20, 8)
    np.testing.assert_array_equal(bounty_beats_subsidy(policy, q), expected)
    assert 0 < expected.sum() < 50
    np.testing.assert_allclose(elasticity(policy, q), q * pass_slope(q, 20, 8) / pass_probability(q, 20, 8))


def test_bounty_or_bonus_of_equal_effect_is_cheaper_as_the_condition_says() -> None:
    """S4 §4.4 by numbers: ΔB = x/π′ costs πx/π′, a bonus s = x/N per success costs s N q = x q."""
    for q in (0.3, 0.8):
        hit, flat = pass_probability(q, 20, 8) / pass_slope(q, 20, 8), q
        assert (hit < flat) == bounty_beats_subsidy(Policy(20, 20, 8, 0, 0, 40, 0.5), q)
