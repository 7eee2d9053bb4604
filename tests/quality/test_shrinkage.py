"""Shrinkage: it recovers a known strength, agrees with the likelihood, and is exact at the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, minimize
from scipy.stats import betabinom

from creatorpool.errors import InputError
from creatorpool.quality import fit_prior, shrink

seeds = st.integers(0, 2**32 - 1)


def _simulated(rng, mean, strength, videos, viewers):
    """Actions and viewers of `videos` videos whose own rates are Beta with this mean and strength."""
    n = rng.geometric(1 / viewers, videos)
    return rng.binomial(n, rng.beta(mean * strength, (1 - mean) * strength, videos)), n


def _maximum_likelihood(x, n):
    """(mean, strength) that maximise the beta-binomial likelihood."""

    def loss(point):
        mean, strength = 1 / (1 + math.exp(-point[0])), math.exp(point[1])
        return -betabinom.logpmf(x, n, mean * strength, (1 - mean) * strength).sum()

    best = minimize(loss, [math.log(x.sum() / (n - x).sum()), 3.0], method="Nelder-Mead", options={"maxiter": 4000})
    return 1 / (1 + math.exp(-best.x[0])), math.exp(best.x[1])


@pytest.mark.parametrize(
    ("mean", "strength", "viewers"), [(0.05, 30, 20), (0.01, 100, 12), (0.3, 4, 6), (0.004, 60, 40), (0.6, 500, 50)]
)
def test_fit_prior_of_simulated_rates_recovers_mean_and_strength(mean, strength, viewers):
    x, n = _simulated(np.random.default_rng(11), mean, strength, 60_000, viewers)
    prior = fit_prior(x, n, np.zeros(x.size))
    assert_allclose(prior.mean, [mean], rtol=0.03)
    assert_allclose(prior.strength, [strength], rtol=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_fit_prior_is_near_maximum_likelihood_by_scipy(seed):
    x, n = _simulated(np.random.default_rng(seed), 0.08, 25, 8_000, 15)
    mean, strength = _maximum_likelihood(x, n)
    prior = fit_prior(x, n, np.zeros(x.size))
    assert_allclose(prior.mean, [mean], rtol=0.01)
    assert_allclose(prior.strength, [strength], rtol=0.12)


def test_fit_prior_over_many_small_groups_is_not_biased():
    # 1/strength is nearly unbiased even if a group has only 12 videos. Without the correction for the estimated mean,
    # its median would lie far below.
    rng = np.random.default_rng(5)
    x, n = _simulated(rng, 0.2, 9, 12 * 2_000, 20)
    gamma = 1 / (1 + fit_prior(x, n, np.repeat(np.arange(2_000), 12)).strength)
    assert_allclose(gamma.mean(), 0.1, rtol=0.1)


def test_fit_prior_of_unequal_trust_uses_effective_viewers_without_bias():
    # Viewers of weight 1 and 0.2: a rate is a weighted mean, whose variance is that of (Σw)²/Σw² equal viewers.
    rng = np.random.default_rng(6)
    videos, viewers = 20_000, 8
    weight = rng.choice([1.0, 0.2], (videos, viewers))
    p = rng.beta(0.1 * 20, 0.9 * 20, videos)
    acted = rng.random((videos, viewers)) < p[:, None]
    rate = (weight * acted).sum(axis=1) / weight.sum(axis=1)
    n = weight.sum(axis=1) ** 2 / (weight**2).sum(axis=1)
    assert_allclose(fit_prior(rate * n, n, np.zeros(videos)).strength, [20], rtol=0.15)


def test_shrink_hand_worked_group():
    # Four videos of 4 viewers with 0, 0, 4, 4 actions: γ clips at 1, each rate stands.
    assert_allclose(shrink([0, 0, 4, 4], [4] * 4, ["a"] * 4), [0, 0, 1, 1])


def _spread(gamma, x, n):
    """One step of the equation in the docstring of `fit_prior` from a γ, in plain Python."""
    inflation = [1 + gamma * max(viewers - 1, 0) for viewers in n]
    omega = [viewers / f for viewers, f in zip(n, inflation, strict=True)]
    m = sum(w * acted / viewers for w, acted, viewers in zip(omega, x, n, strict=True)) / sum(omega)
    left = scale = 0.0
    for acted, viewers, f in zip(x, n, inflation, strict=True):
        if viewers > 1:
            weight = 1 / f**2
            left += weight * (acted**2 - acted - 2 * m * (viewers - 1) * acted + viewers * (viewers - 1) * m**2)
            scale += weight * viewers * (viewers - 1) * m * (1 - m)
    return min(max(left / scale + 1 / sum(omega), 0.0), 1.0) if scale > 0 else 0.0


def _tiny_group(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 30, int(rng.integers(2, 6)))
    return rng.binomial(n, rng.beta(1, 4)), n


def check_that_gamma_solves_its_equation(seed):
    x, n = _tiny_group(seed)
    gamma = 1 / (1 + fit_prior(x, n, np.zeros(x.size)).strength[0])
    assert _spread(gamma, x.tolist(), n.tolist()) == pytest.approx(gamma, abs=2e-12)


@settings(max_examples=300)
@given(seeds)
def test_fit_prior_of_tiny_groups_solves_its_equation(seed):
    check_that_gamma_solves_its_equation(seed)


@pytest.mark.prove
def test_fit_prior_of_ten_thousand_tiny_groups_solves_its_equation():
    for seed in range(10_000):
        check_that_gamma_solves_its_equation(seed)


@pytest.mark.parametrize(
    ("successes", "weight", "strength"),
    [
        # After a hundred rounds: 298.8, 124.9, 2.710, 104.5 and 1.665, because the iteration alternates slowly here.
        ([8, 9, 0, 3], [20, 29, 2, 3], 3.899138),
        ([0, 2, 8], [4, 3, 29], 9.746806),
        ([1, 8], [1, 22], 1.345514),
        ([1, 3, 0], [1, 26, 5], 56.663855),
        ([9, 1], [25, 1], 1.032233),
    ],
)
def test_fit_prior_of_groups_that_settle_slowly_is_solved_to_the_end(successes, weight, strength):
    found = fit_prior(successes, weight, ["c"] * len(weight)).strength[0]
    gamma = brentq(lambda g: _spread(g, successes, weight) - g, 0.9 / (1 + found), 1.1 / (1 + found), xtol=1e-15)
    assert found == pytest.approx(1 / gamma - 1, rel=1e-6)
    assert found == pytest.approx(strength, rel=1e-6)


def test_fit_prior_of_a_slow_group_leaves_the_others_as_they_are():
    x, n = _simulated(np.random.default_rng(4), 0.1, 15, 200, 10)
    alone = fit_prior(x, n, ["other"] * 200)
    both = fit_prior([*x, 8, 9, 0, 3], [*n, 20, 29, 2, 3], ["other"] * 200 + ["slow"] * 4)
    assert_allclose(both.strength, [alone.strength[0], 3.899138], rtol=1e-6)


def test_shrink_by_known_prior_is_the_posterior_mean():
    rng = np.random.default_rng(2)
    x, n = _simulated(rng, 0.1, 15, 500, 10)
    prior = fit_prior(x, n, np.zeros(500))
    m, k = prior.mean[0], prior.strength[0]
    assert_allclose(shrink(x, n, np.zeros(500)), (x + k * m) / (n + k), rtol=1e-12)


@pytest.mark.parametrize(
    ("successes", "weight", "expected"),
    [
        ([3.0], [7.5], [0.4]),  # a group of one keeps its rate, which is the mean
        ([0, 0, 0], [1, 5, 50], [0, 0, 0]),  # all zero
        ([1, 5, 50], [1, 5, 50], [1, 1, 1]),  # all one
        ([2, 4, 6], [20, 40, 60], [0.1, 0.1, 0.1]),  # no spread: the mean
        ([0, 1, 1, 0], [1, 1, 1, 1], [0.5, 0.5, 0.5, 0.5]),  # one viewer each: no information about the spread
        ([0, 1, 0], [1, 1, 0], [0.5, 0.5, 0.5]),  # no viewers: the mean
        ([0.0], [0.0], [0.0]),  # no viewers and no actions
    ],
)
def test_shrink_at_its_ends_is_exact(successes, weight, expected):
    assert_allclose(shrink(successes, weight, ["c"] * len(weight)), expected, rtol=1e-15)


def test_shrink_of_no_rows_is_empty():
    assert shrink([], [], []).size == 0


@pytest.mark.parametrize(
    ("successes", "weight"), [([2, 4, 6], [20, 40, 60]), ([0, 0], [5, 9]), ([5, 9], [5, 9]), ([0, 1], [1, 1])]
)
def test_fit_prior_without_evidence_of_spread_has_infinite_strength(successes, weight):
    prior = fit_prior(successes, weight, ["c"] * len(weight))
    assert prior.strength.tolist() == [np.inf]
    assert prior.group.tolist() == ["c"]


@settings(max_examples=100)
@given(seeds)
def test_shrink_lies_between_rate_and_mean_of_its_group(seed):
    rng = np.random.default_rng(seed)
    n = rng.uniform(0.1, 30, 40)
    x = n * rng.choice([0.0, 1.0, 0.5, 0.1], 40)
    group = rng.integers(0, 4, 40)
    prior = fit_prior(x, n, group)
    mean = prior.mean[np.searchsorted(prior.group, group)]
    shrunk, rate = shrink(x, n, group), x / n
    assert (shrunk >= np.minimum(rate, mean) - 1e-12).all()
    assert (shrunk <= np.maximum(rate, mean) + 1e-12).all()


@settings(max_examples=100)
@given(seeds)
def test_shrink_does_not_depend_on_row_order_or_on_other_groups(seed):
    rng = np.random.default_rng(seed)
    n = rng.uniform(0.5, 200, 60)
    x = n * rng.beta(1, 5, 60)
    group = rng.integers(0, 3, 60)
    order = rng.permutation(60)
    shrunk = shrink(x, n, group)
    assert_array_equal(shrink(x[order], n[order], group[order]), shrunk[order])
    alone = group == 1
    assert_allclose(shrink(x[alone], n[alone], group[alone]), shrunk[alone], rtol=1e-9)


@pytest.mark.parametrize(
    ("successes", "weight", "group", "message"),
    [
        ([1, 2], [3, 4], ["a"], "must have one shape"),
        ([[1]], [[2]], [["a"]], "must have one shape"),
        ([3], [2], ["a"], r"successes\[0\] must be within \[0, weight = 2\], got 3"),
        ([1, -1], [2, 2], ["a", "a"], r"successes\[1\] must be within"),
        ([0], [-1], ["a"], r"weight\[0\] must be finite and >= 0, got -1"),
        ([0], [math.inf], ["a"], r"weight\[0\] must be finite and >= 0, got inf"),
        ([math.nan], [1], ["a"], r"successes\[0\] must be within .* got nan"),
    ],
)
def test_shrink_bad_input_is_named(successes, weight, group, message):
    with pytest.raises(InputError, match=message):
        shrink(successes, weight, group)
