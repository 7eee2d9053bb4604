"""Shrinkage of means: the fit finds the variances that made-up logs have, and a rate is fitted as one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from creatorpool.quality.credibility import fit_signal_prior
from creatorpool.quality.shrinkage import fit_prior, shrunk_rate

MEAN, BETWEEN = 0.3, 10.0
GAMMA = 1 / (1 + BETWEEN)


def viewers_and_quality(videos: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Viewers of each video, often one, and its own mean."""
    rng = np.random.default_rng(seed)
    return np.minimum(rng.zipf(1.6, videos), 500), rng.beta(MEAN * BETWEEN, (1 - MEAN) * BETWEEN, videos)


def means(viewers: np.ndarray, quality: np.ndarray, concentration: float, seed: int) -> np.ndarray:
    """Mean over viewers of values in (0, 1) that vary around each video's quality."""
    rng = np.random.default_rng(seed)
    shape = concentration * quality
    return np.array([rng.beta(a, concentration - a, n).mean() for a, n in zip(shape, viewers.tolist(), strict=True)])


@pytest.mark.parametrize("concentration", [0.5, 9.0])
def test_strength_of_means_is_the_ratio_of_the_variances(concentration: float) -> None:
    viewers, quality = viewers_and_quality(20_000, seed=1)
    values = means(viewers, quality, concentration, seed=2)

    prior = fit_signal_prior(values, viewers, viewers.astype(float), np.full(viewers.size, "a"))

    s = (1 - GAMMA) / (1 + concentration)
    assert_allclose(prior.mean, [MEAN], rtol=0.02)
    assert_allclose(prior.strength, [s / GAMMA], rtol=0.1)


def test_shrunk_means_are_nearer_to_the_truth_than_means_and_than_those_shrunk_as_rates() -> None:
    viewers, quality = viewers_and_quality(5_000, seed=3)
    n, group = viewers.astype(float), np.full(viewers.size, "a")
    values = means(viewers, quality, 3.0, seed=4)
    place = np.zeros(viewers.size, dtype=int)

    def error(mean: np.ndarray, strength: np.ndarray) -> float:
        return float(np.mean((shrunk_rate(values, n, mean[place], strength[place]) - quality) ** 2))

    own, as_rate = fit_signal_prior(values, viewers, n, group), fit_prior(n * values, n, group)
    assert error(own.mean, own.strength) < 0.95 * error(as_rate.mean, as_rate.strength)
    assert error(own.mean, own.strength) < 0.5 * float(np.mean((values - quality) ** 2))


def test_signal_with_only_zeros_and_ones_is_fitted_as_a_rate() -> None:
    viewers, quality = viewers_and_quality(2_000, seed=5)
    n, group = viewers.astype(float), np.random.default_rng(6).choice(["a", "b"], viewers.size)
    values = np.random.default_rng(7).binomial(viewers, quality) / viewers

    own, as_rate = fit_signal_prior(values, viewers, n, group), fit_prior(n * values, n, group)

    np.testing.assert_array_equal(own.mean, as_rate.mean)
    np.testing.assert_array_equal(own.strength, as_rate.strength)


def test_signal_that_all_viewers_of_a_video_share_does_not_shrink() -> None:
    viewers, quality = viewers_and_quality(20_000, seed=8)

    prior = fit_signal_prior(quality, viewers, viewers.astype(float), np.full(viewers.size, "a"))

    assert prior.strength[0] < 0.05


def test_one_number_of_viewers_leaves_the_variance_of_a_rate() -> None:
    values, one = np.array([0.2, 0.4, 0.9, 0.5]), np.ones(4)

    prior = fit_signal_prior(values, one, one, np.full(4, "a"))

    assert_allclose(prior.mean, [0.5])
    assert np.isinf(prior.strength[0])


def test_a_group_has_the_same_prior_alone_and_in_any_order_of_rows() -> None:
    viewers, quality = viewers_and_quality(900, seed=9)
    values, n = means(viewers, quality, 2.0, seed=10), viewers.astype(float)
    group = np.random.default_rng(11).choice(["a", "b", "c"], viewers.size)
    order = np.random.default_rng(12).permutation(viewers.size)
    whole = fit_signal_prior(values, viewers, n, group)

    shuffled = fit_signal_prior(values[order], viewers[order], n[order], group[order])
    np.testing.assert_array_equal(whole.strength, shuffled.strength)
    np.testing.assert_array_equal(whole.mean, shuffled.mean)
    own = group == "b"
    alone = fit_signal_prior(values[own], viewers[own], n[own], group[own])
    assert_allclose(alone.strength, whole.strength[1:2], rtol=1e-9)
