from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc

from creatorpool.errors import InputError
from creatorpool.incentives import pass_curvature, pass_probability, pass_slope
from creatorpool.incentives.binomial import log_pass_probability, log_pass_slope

from .exact import binomial_point, curvature_scale

SMALLEST = 1e-300


@st.composite
def trials(draw: st.DrawFn, largest: int = 3000) -> tuple[float, int, int]:
    n = draw(st.integers(1, largest))
    k = draw(st.integers(1, n))
    near_ends = st.floats(1e-6, 1e-3) | st.floats(1 - 1e-3, 1 - 1e-6)
    return draw(st.floats(0.001, 0.999) | near_ends), n, k


@st.composite
def extreme_trials(draw: st.DrawFn) -> tuple[float, int, int]:
    n = draw(st.integers(1, 200))
    k = draw(st.sampled_from([1, min(2, n), max(1, n - 1), n]) | st.integers(1, n))
    near_one = st.integers(1, 2**20).map(lambda ulps: 1 - ulps * 2.0**-53)
    near_zero = st.floats(-290, -6).map(lambda exponent: 10.0**exponent)
    mode = (k - 1) / (n - 1) if n > 1 else 0.5
    near_mode = st.floats(-1e-6, 1e-6).map(lambda gap: min(max(mode + gap, 1e-9), 1 - 1e-9))
    return draw(near_one | near_zero | near_mode | st.floats(0, 1, exclude_min=True, exclude_max=True)), n, k


def check_point(q: float, n: int, k: int) -> None:
    tail, slope, curvature = binomial_point(q, n, k)
    for ours, exact in ((pass_probability(q, n, k), tail), (pass_slope(q, n, k), slope)):
        if exact > SMALLEST:
            assert abs(ours / exact - 1) < 1e-10
    if slope > SMALLEST:
        # Near its sign change the curvature is the small sum of two large terms; the tolerance follows their size.
        allowed = 1e-10 * abs(curvature) + 1e-12 * curvature_scale(q, n, k, slope)
        assert abs(pass_curvature(q, n, k) - curvature) <= allowed


@settings(max_examples=60)
@given(trials())
def test_pass_point_against_fifty_digits_agrees_to_1e_10(trial: tuple[float, int, int]) -> None:
    check_point(*trial)


@settings(max_examples=150)
@given(extreme_trials())
def test_pass_point_at_extreme_quality_agrees_to_1e_10(trial: tuple[float, int, int]) -> None:
    check_point(*trial)


@pytest.mark.prove
@settings(max_examples=6_000)
@given(extreme_trials() | trials())
def test_thousands_of_pass_points_agree_to_1e_10(trial: tuple[float, int, int]) -> None:
    check_point(*trial)


@pytest.mark.parametrize("ulps", [1, 2, 7, 1_000])
def test_curvature_of_a_bar_at_the_window_is_exact_next_to_one(ulps: int) -> None:
    q, n = 1 - ulps * 2.0**-53, 40
    assert pass_curvature(q, n, n) == pytest.approx(pass_slope(q, n, n) * (n - 1) / q, rel=1e-14)


@settings(max_examples=50)
@given(trials())
def test_logs_where_tails_underflow_stay_exact(trial: tuple[float, int, int]) -> None:
    tail, slope, _ = binomial_point(*trial)
    assert log_pass_probability(*trial) == pytest.approx(float(mp.log(tail)), rel=1e-10, abs=1e-14)
    assert log_pass_slope(*trial) == pytest.approx(float(mp.log(slope)), rel=1e-10, abs=1e-10)


def test_pass_point_of_three_trials_matches_polynomials() -> None:
    q = np.array([0.0, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(pass_probability(q, 3, 2), 3 * q**2 - 2 * q**3, atol=1e-15)
    np.testing.assert_allclose(pass_slope(q, 3, 2), 6 * q - 6 * q**2, atol=1e-15)
    np.testing.assert_allclose(pass_curvature(q, 3, 2), 6 - 12 * q, atol=1e-14)


@pytest.mark.parametrize(("k", "expected"), [(0, (1, 0, 0)), (6, (0, 0, 0)), (9, (0, 0, 0))])
def test_pass_point_of_a_bar_at_zero_or_above_the_window_is_constant(k: int, expected: tuple[float, ...]) -> None:
    q = np.array([0.0, 0.3, 1.0])
    for function, value in zip((pass_probability, pass_slope, pass_curvature), expected, strict=True):
        np.testing.assert_array_equal(function(q, 5, k), np.full(3, value))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_derivatives_at_the_ends_are_limits(n: int) -> None:
    for k in range(1, n + 1):
        for end, inside in ((0.0, 1e-9), (1.0, 1 - 1e-9)):
            assert pass_slope(end, n, k) == pytest.approx(pass_slope(inside, n, k), abs=1e-6)
            assert pass_curvature(end, n, k) == pytest.approx(pass_curvature(inside, n, k), abs=1e-5)


def test_broadcast_over_a_grid_equals_single_calls_and_the_incomplete_beta() -> None:
    q, n, k = np.linspace(0.05, 0.95, 7)[:, None, None], np.array([10, 40])[:, None], np.array([1, 5, 10])
    grid = pass_probability(q, n, k)
    assert grid.shape == (7, 2, 3)
    np.testing.assert_allclose(grid, betainc(k, n - k + 1, q), rtol=1e-11)
    assert grid[3, 1, 2] == pass_probability(q[3, 0, 0], 40, 10)
    assert pass_curvature(q, n, k).shape == (7, 2, 3)


def test_pass_slope_mode_is_at_k_less_one_over_n_less_one() -> None:
    q = np.linspace(0, 1, 10_001)
    assert q[np.argmax(pass_slope(q, 21, 7))] == pytest.approx(6 / 20, abs=1e-4)


@settings(max_examples=50)
@given(trials(largest=200), st.floats(0.001, 0.999))
def test_pass_probability_in_quality_and_bar_is_monotone(trial: tuple[float, int, int], other: float) -> None:
    q, n, k = trial
    low, high = sorted((q, other))
    assert pass_probability(low, n, k) <= pass_probability(high, n, k) * (1 + 1e-14)
    assert pass_probability(q, n, k + 1) <= pass_probability(q, n, k)


invalid_arguments = [
    (1.5, 10, 3, r"q must be within \[0, 1\], got 1.5"),
    ([0.1, math.nan], 10, 3, r"q\[1\] must be within"),
    (0.5, 0, 0, "n must be a whole number >= 1, got 0"),
    (0.5, 10, [1, 2.5], r"k\[1\] must be a whole number, got 2.5"),
    (0.5, 10, -1, "k must be a whole number >= 0"),
    ([0.1, 0.2], [5, 6, 7], 3, "shapes that broadcast"),
    ("high", 10, 3, "q must be numbers"),
]


@pytest.mark.parametrize(("q", "n", "k", "message"), invalid_arguments)
def test_pass_probability_of_bad_argument_names_it(q: object, n: object, k: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pass_probability(q, n, k)  # type: ignore[arg-type]
