from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.incentives import (
    BetaBinomialModel,
    BinomialModel,
    ManipulatedModel,
    Policy,
    PowerCost,
    QuadraticCost,
    bar_of_rate,
    best_response,
    certified_response,
    first_best,
    payoffs,
)

GRID = np.linspace(0.0, 1.0, 20_001)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    n = draw(st.integers(1, 60))
    return Policy(
        mass=draw(st.floats(0, 40)),
        n=n,
        k=draw(st.integers(0, n)),
        bounty=draw(st.just(0.0) | st.floats(0, 3000)),
        g0=draw(st.floats(0, 30)),
        g1=draw(st.floats(0, 120)),
        revenue_share=draw(st.floats(0, 1)),
        model=draw(st.sampled_from([BinomialModel(), BetaBinomialModel(9.0), ManipulatedModel(BinomialModel(), 0.1)])),
    )


costs = st.builds(QuadraticCost, st.floats(1, 2000)) | st.builds(PowerCost, st.floats(1, 1000), st.floats(2, 6))


@settings(max_examples=60)
@given(policies(), costs)
def test_best_response_is_no_worse_than_twenty_thousand_others(policy: Policy, cost: QuadraticCost) -> None:
    found = certified_response(policy, cost)
    utility = payoffs(policy, cost, GRID).creator
    assert found.certified
    assert found.utility >= utility.max() - 1e-9 * max(1.0, abs(utility).max())
    assert found.utility == pytest.approx(payoffs(policy, cost, found.quality).creator, rel=1e-12, abs=1e-12)
    assert found.low <= found.quality <= found.high
    # Proof for each point: a point outside the region is no better, a point inside is at most `gap` better.
    assert utility.max() <= found.utility + found.gap + 1e-9
    outside = (found.low > GRID) | (found.high < GRID)
    assert not outside.any() or utility[outside].max() <= found.utility + 1e-9


def test_best_response_of_the_counterexample_of_the_formulas_is_the_far_peak() -> None:
    policy, cost = Policy(20, 20, 10, 102_080, 0, 60, 0.45), QuadraticCost(250.0)
    assert best_response(policy, cost) == pytest.approx(0.856, abs=1e-4)
    at = payoffs(policy, cost, 0.08)
    assert at.private_gain == pytest.approx(250 * 0.08, rel=1e-2)  # a root of the first-order condition, too
    assert at.creator < 0.001 * payoffs(policy, cost, 0.856).creator


def test_best_response_between_two_equal_peaks_reports_both() -> None:
    """At the bounty at which both peaks have the same utility, the region that may contain a maximiser has both."""
    policy, cost = Policy(20, 20, 10, 0.0, 0, 60, 0.45), QuadraticCost(250.0)
    low, high = 0.0, 102_080.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (
            (middle, high) if best_response(replace(policy, bounty=np.asarray(middle)), cost) < 0.3 else (low, middle)
        )
    found = certified_response(replace(policy, bounty=np.asarray(high)), cost)
    assert found.low < 0.15
    assert found.high > 0.4
    below, above = (
        best_response(replace(policy, bounty=np.asarray(b)), cost) for b in (low * (1 - 1e-9), high * (1 + 1e-9))
    )
    assert above - below > 0.25  # the response jumps, which no derivative shows


def test_corners_are_best_responses_where_quality_is_worthless_or_cheap() -> None:
    assert best_response(Policy(0, 10, 5, 0, 0, 0, 0.5), QuadraticCost(10.0)) == 0.0
    assert best_response(Policy(50, 10, 5, 0, 0, 0, 1.0), QuadraticCost(10.0)) == 1.0


def test_responses_next_to_an_end_differ_from_the_end() -> None:
    """Without a prize q̂ = rN/κ: utility at 1 − 1e-9 and at 1 is the same float, but the slopes differ."""
    kappa = 50.0
    for gap in (1e-9, 1e-11, 0.0, -1e-11, -1e-9):
        found = best_response(Policy(kappa * (1 - gap), 10, 5, 0, 0, 0, 1.0), QuadraticCost(kappa))
        assert found == pytest.approx(min(1.0, 1 - gap), abs=1e-14)
        assert (found == 1.0) == (gap <= 0)


def test_first_best_without_selection_has_a_closed_form() -> None:
    """Without a prize E = N + G0, and c′ = κq gives q* = (N + G0)/κ."""
    assert first_best(Policy(20, 10, 5, 70, 4, 4, 0.3), QuadraticCost(60.0)) == pytest.approx(24 / 60, rel=1e-9)
    assert best_response(Policy(20, 10, 5, 0, 4, 4, 0.3), QuadraticCost(60.0)) == pytest.approx(0.3 * 24 / 60, rel=1e-9)


def test_responses_of_an_array_equal_single_ones() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(5, 40, (3, 4))
    policy = Policy(rng.uniform(0, 30, (3, 4)), n, n // 2, rng.uniform(0, 200, 4), 1, 50, 0.5)
    together = best_response(policy, QuadraticCost(150.0))
    assert together.shape == (3, 4)
    for place in np.ndindex(3, 4):
        one = Policy(*(getattr(policy, f)[place] for f in ("mass", "n", "k", "bounty", "g0", "g1", "revenue_share")))
        assert best_response(one, QuadraticCost(150.0)) == together[place]


def test_best_response_takes_any_cost_with_three_derivatives() -> None:
    class Barrier:
        def value(self, q: np.ndarray) -> np.ndarray:
            return 20 * (np.exp(2 * q) - 1 - 2 * q)

        def slope(self, q: np.ndarray) -> np.ndarray:
            return 40 * (np.exp(2 * q) - 1)

        def curvature(self, q: np.ndarray) -> np.ndarray:
            return 80 * np.exp(2 * q)

    policy = Policy(20, 20, 8, 15, 2, 40, 0.5)
    assert best_response(policy, Barrier()) == pytest.approx(
        GRID[payoffs(policy, Barrier(), GRID).creator.argmax()], abs=1e-4
    )


@settings(max_examples=25)
@given(policies(), costs, st.floats(1.01, 2.0))
def test_best_response_rises_with_every_instrument(policy: Policy, cost: QuadraticCost, factor: float) -> None:
    """Theorem 3.1's signs hold for the global maximum even where its Assumption A1 fails, unless passing hurts."""
    policy = replace(policy, g1=max(policy.g1, policy.g0))
    before = certified_response(policy, cost)
    changes: dict[str, Any] = {
        "mass": policy.mass * factor + 0.1,
        "bounty": policy.bounty * factor + 1.0,
        "revenue_share": min(1.0, policy.revenue_share * factor),
        "g1": policy.g1 * factor + 0.1,
    }
    for name, value in changes.items():
        assert certified_response(replace(policy, **{name: value}), cost).quality >= before.low - 1e-9


@pytest.mark.parametrize(("rate", "n", "k"), [(0.4, 20, 8), (0.41, 20, 9), (0.1, 30, 3), (0.0, 5, 0), (1.0, 5, 5)])
def test_bar_of_rate_is_the_ceiling(rate: float, n: int, k: int) -> None:
    assert bar_of_rate(rate, n) == k


invalid_policies = [
    ({"mass": -1.0}, "mass must be finite and >= 0"),
    ({"k": 21}, "largest bar"),
    ({"n": 0, "k": 0}, "n must be a whole number >= 1"),
    ({"revenue_share": 1.2}, "revenue_share must be within"),
    ({"bounty": [1.0, np.nan]}, r"bounty\[1\]"),
    ({"g0": [1.0, 2.0], "g1": [1.0, 2.0, 3.0]}, "broadcast"),
]


@pytest.mark.parametrize(("change", "message"), invalid_policies)
def test_impossible_policy_is_refused_with_its_rule(change: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {
        "mass": 20,
        "n": 20,
        "k": 8,
        "bounty": 0,
        "g0": 0,
        "g1": 60,
        "revenue_share": 0.5,
        **change,
    }
    with pytest.raises(InputError, match=message):
        Policy(**(fields | change))


@pytest.mark.parametrize("build", [lambda: QuadraticCost(0.0), lambda: PowerCost(1.0, 1.5), lambda: PowerCost(-1.0, 2)])
def test_cost_that_is_not_convex_is_refused(build: object) -> None:
    with pytest.raises(InputError, match="must be finite"):
        build()  # type: ignore[operator]
