"""The Beta–binomial prior against scipy's distribution and simulated rates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from creatorpool.delivery import RatePrior, fit_rate_prior
from creatorpool.delivery.baseline import JEFFREYS, MAX_STRENGTH, log_likelihood
from creatorpool.errors import InputError


def drawn(mean: float, strength: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 9])
    impressions = rng.integers(20, 5000, n)
    return rng.binomial(impressions, rng.beta(mean * strength, (1 - mean) * strength, n)), impressions


def test_likelihood_differs_from_scipys_by_a_constant() -> None:
    clicks, impressions = drawn(0.05, 80.0, 50, 1)
    found, expected = (
        [value(mean, strength) for mean, strength in ((0.05, 80.0), (0.1, 20.0), (0.02, 5e6))]
        for value in (
            lambda m, k: log_likelihood(RatePrior(m, k), clicks.astype(float), impressions.astype(float)),
            lambda m, k: betabinom.logpmf(clicks, impressions, m * k, (1 - m) * k).sum(),
        )
    )
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-6)


@pytest.mark.parametrize(("mean", "strength"), [(0.05, 80.0), (0.3, 8.0), (0.01, 2000.0)])
def test_prior_is_recovered_and_is_a_maximum_of_the_likelihood(mean: float, strength: float) -> None:
    clicks, impressions = drawn(mean, strength, 3000, 2)
    prior = fit_rate_prior(clicks, impressions)
    np.testing.assert_allclose(prior.mean, mean, rtol=0.06)
    np.testing.assert_allclose(prior.strength, strength, rtol=0.2)
    y, x = clicks.astype(float), impressions.astype(float)
    best = log_likelihood(prior, y, x)
    for by in (0.98, 1.02):
        assert log_likelihood(RatePrior(prior.mean * by, prior.strength), y, x) < best
        assert log_likelihood(RatePrior(prior.mean, prior.strength * by), y, x) < best


def test_contents_that_differ_only_by_chance_get_the_mean() -> None:
    rng = np.random.default_rng(4)
    impressions = rng.integers(100, 1000, 500)
    clicks = rng.binomial(impressions, 0.1)
    prior = fit_rate_prior(clicks, impressions)
    assert prior.strength > 1e4
    np.testing.assert_allclose(prior.smoothed(clicks, impressions), 0.1, rtol=0.05)


def test_smoothed_rate_lies_between_own_rate_and_mean() -> None:
    prior = RatePrior(0.1, 50.0)
    np.testing.assert_allclose(prior.smoothed([0.0, 0.0, 30.0], [0.0, 50.0, 100.0]), [0.1, 0.05, 35 / 150])


def test_groups_without_information_have_a_prior() -> None:
    assert fit_rate_prior([], []) == JEFFREYS
    assert fit_rate_prior([0.0], [0.0]) == JEFFREYS
    assert fit_rate_prior([3.0], [10.0]).strength == MAX_STRENGTH
    assert 0 < fit_rate_prior([0.0, 0.0], [50.0, 80.0]).mean < 0.02
    assert 0.98 < fit_rate_prior([50.0, 80.0], [50.0, 80.0]).mean < 1


def test_order_of_contents_does_not_matter() -> None:
    clicks, impressions = drawn(0.05, 80.0, 200, 5)
    assert fit_rate_prior(clicks, impressions) == fit_rate_prior(clicks[::-1], impressions[::-1])


def test_more_clicks_than_impressions_are_refused() -> None:
    with pytest.raises(InputError, match=r"clicks\[1\] must lie within \[0, impressions = 5\]"):
        fit_rate_prior([1.0, 6.0], [5.0, 5.0])
