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
    comparative_statics,
    marginal_gains,
    marginal_gains_in_full,
    payoffs,
)


@settings(max_examples=25)
@given(
    st.sampled_from([QuadraticCost(220.0), PowerCost(90.0, 3.0)]),
    st.integers(6, 25),
    st.floats(0.3, 0.6),
    st.floats(5, 30),
    st.floats(1, 40),
    st.floats(0.3, 0.9),
)
def test_statics_and_gains_match_finite_differences(
    cost: QuadraticCost, n: int, rate: float, mass: float, bounty: float, share: float
) -> None:
    policy = Policy(mass, n, max(1, round(rate * n)), bounty, 2.0, 50.0, share)
    statics, gains = comparative_statics(policy, cost), marginal_gains_in_full(policy, cost)
    if not 0.02 < statics.quality < 0.98 or statics.gap_curvature < 20:
        return  # near a corner or a jump, finite differences mix both sides

    def change(name: str, step: float) -> np.ndarray:
        sides = []
        for signed in (step, -step):
            moved = replace(policy, **{name: getattr(policy, name) + signed})
            at = payoffs(moved, cost, best_response(moved, cost))
            sides.append([at.quality, at.platform, moved.bounty * at.probability])
        return (np.array(sides[0]) - np.array(sides[1])) / (2 * step)

    in_mass, in_bounty = change("mass", 1e-3), change("bounty", 1e-3)
    np.testing.assert_allclose(in_mass, [statics.in_mass, gains.mv_n, gains.spend_per_mass], rtol=1e-4, atol=1e-6)
    expected = [statics.in_bounty, gains.value_per_bounty, gains.spend_per_bounty]
    np.testing.assert_allclose(in_bounty, expected, rtol=1e-4, atol=1e-6)
    assert gains.mv_b == pytest.approx(in_bounty[1] / in_bounty[2], rel=1e-3, abs=1e-5)
    assert change("revenue_share", 1e-5)[0] == pytest.approx(statics.in_revenue_share, rel=1e-4)
    assert change("g1", 1e-3)[0] == pytest.approx(statics.in_spread, rel=1e-4, abs=1e-6)
    assert min(statics.in_mass, statics.in_bounty, statics.in_revenue_share, statics.in_spread) >= 0


def test_gains_at_a_corner_are_the_direct_effects() -> None:
    """At q̂ = 1 no instrument changes quality: an impression brings q̂ = 1, and a dollar is only spent."""
    mv_n, mv_b = marginal_gains(Policy(500, 10, 4, 5, 0, 50, 1.0), QuadraticCost(50.0))
    assert (mv_n, mv_b) == (1.0, pytest.approx(-1.0, rel=1e-12))


def test_statics_next_to_a_corner_response_are_zero() -> None:
    """A response that stops just before q̂ = 1 would count as interior, with derivatives above 0."""
    statics = comparative_statics(Policy(4.818, 5, 3, 0, 14.997, 49.015, 1.0), QuadraticCost(50.97))
    assert statics.quality == 1.0
    assert statics.in_mass == statics.in_bounty == statics.in_revenue_share == statics.in_spread == 0.0


def test_gain_of_a_dollar_without_effect_is_not_a_number() -> None:
    assert np.isnan(marginal_gains(Policy(0, 500, 500, 0, 0, 0, 0.0), QuadraticCost(50.0))[1])


def test_gains_of_an_array_keep_its_shape() -> None:
    mv_n, mv_b = marginal_gains(Policy(np.array([10.0, 20.0, 30.0]), 20, 8, 10, 2, 50, 0.5), QuadraticCost(200.0))
    assert mv_n.shape == mv_b.shape == (3,)
