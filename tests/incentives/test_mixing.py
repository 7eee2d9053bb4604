"""The beta-binomial test against fifty digits, from almost certain entrants to almost binomial counts."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creatorpool.incentives import BetaBinomialModel, LogisticLink

from .exact import beta_binomial_point

SMALLEST = 1e-290


@st.composite
def mixtures(draw: st.DrawFn, largest: int = 60) -> tuple[float, float, int, int]:
    n = draw(st.integers(1, largest))
    k = draw(st.sampled_from([1, n]) | st.integers(1, n))
    near_ends = st.floats(-9, -1).map(lambda exponent: 10.0**exponent) | st.floats(-9, -1).map(lambda e: 1 - 10.0**e)
    near_bar = st.floats(0.9, 1.1).map(lambda ratio: min(max(k / n * ratio, 1e-6), 1 - 1e-6))
    return draw(st.floats(0.001, 0.999) | near_ends | near_bar), 10.0 ** draw(st.floats(-4, 9)), n, k


def check_point(q: float, size: float, n: int, k: int) -> None:
    exact, model = beta_binomial_point(q, size, n, k), BetaBinomialModel(size)
    assert model.log_pass_probability(q, n, k) == pytest.approx(float(mp.log(exact.tail)), rel=1e-10, abs=1e-13)
    assert model.log_pass_slope(q, n, k) == pytest.approx(float(mp.log(exact.slope)), rel=1e-10, abs=1e-10)
    for ours, wanted in ((model.pass_probability(q, n, k), exact.tail), (model.pass_slope(q, n, k), exact.slope)):
        if wanted > SMALLEST:
            assert abs(ours / wanted - 1) < 1e-10
    if exact.slope > SMALLEST:
        allowed = 1e-10 * abs(exact.curvature) + 1e-12 * exact.scale
        assert abs(model.pass_curvature(q, n, k) - exact.curvature) <= allowed


@settings(max_examples=60)
@given(mixtures())
@example((0.9549859112921644, 0.00010931752228445245, 241, 235))  # b is lost if it is added to n first
@example((0.00011071371838344631, 0.0001823702358240148, 131, 66))  # the squares of 1/q cancel
@example((0.99999999, 1000.0, 86, 86))  # log π is smaller than the rounding error of 86 logarithms
def test_beta_binomial_point_against_fifty_digits_agrees_to_1e_10(mixture: tuple[float, float, int, int]) -> None:
    check_point(*mixture)


@pytest.mark.prove
@settings(max_examples=3_000)
@given(mixtures(largest=250))
def test_thousands_of_beta_binomial_points_agree_to_1e_10(mixture: tuple[float, float, int, int]) -> None:
    check_point(*mixture)


@pytest.mark.parametrize("size", [1e-3, 6.0, 1e9])
def test_derivatives_of_a_beta_binomial_test_at_the_ends_are_limits(size: float) -> None:
    model, n = BetaBinomialModel(size), 7
    for k in (1, 2, 4, n):
        for end, inside in ((0.0, 1e-10), (1.0, 1 - 1e-10)):
            assert model.pass_probability(end, n, k) == pytest.approx(end, abs=1e-15)
            assert model.pass_slope(end, n, k) == pytest.approx(model.pass_slope(inside, n, k), rel=1e-6, abs=1e-7)
            at_end, beside = model.pass_curvature(end, n, k), model.pass_curvature(inside, n, k)
            assert at_end == pytest.approx(beside, rel=1e-5, abs=1e-6)


def test_leverage_parts_stay_finite_with_a_saturated_link() -> None:
    model = BetaBinomialModel(50.0, LogisticLink(400.0, 0.9))
    ratio = np.exp(model.log_pass_slope(0.1, 40, 30) - model.log_pass_probability(0.1, 40, 30))
    assert ratio == pytest.approx(400.0, rel=1e-9)  # π is proportional to g near g = 0
