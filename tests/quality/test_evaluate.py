"""Evaluation of scores: measures against scipy and by hand, and coverage of intervals."""

from __future__ import annotations

import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.quality.evaluate import HalfScores, compare, coverage, prediction, rank_correlation, reliability


def _scores(rng: np.random.Generator, videos: int, noise: float) -> HalfScores:
    """Two noisy measurements of one true quality, and long views that depend on it."""
    truth = rng.random(videos)
    look = truth + noise * rng.normal(size=(2, videos))
    return HalfScores(look, truth + 0.1 * rng.normal(size=(2, videos)))


def test_rank_correlation_with_ties_by_hand():
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: covariance 4.5, sums of squares 4.5 and 5.
    assert rank_correlation([1, 2, 2, 3], [10, 30, 20, 90]) == pytest.approx(0.9**0.5)


def test_rank_correlation_of_constant_is_zero():
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0


def test_measures_hand_worked_halves():
    scores = HalfScores(np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]), np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    assert reliability(scores) == pytest.approx(-1)
    assert prediction(scores) == pytest.approx((1 - 1) / 2)


def test_coverage_counts_eligible_videos_only():
    assert coverage([0.0, 0.5, 0.0, 0.2], [True, True, False, True]) == pytest.approx(2 / 3)
    assert coverage([0.4], [False]) == 0


def test_compare_finds_the_less_noisy_score_ahead_beyond_chance():
    clear = _scores(np.random.default_rng(4), 400, noise=0.1)
    noisy = _scores(np.random.default_rng(4), 400, noise=1.0)  # the same truth
    for row in compare(clear, noisy, draws=200, seed=1):
        assert row.first.low > row.second.high
        assert row.difference.low > 0
        assert row.difference.value == pytest.approx(row.first.value - row.second.value)
        assert row.first.low <= row.first.value <= row.first.high


def test_compare_of_a_score_with_itself_is_no_difference():
    scores = _scores(np.random.default_rng(5), 50, noise=0.3)
    for row in compare(scores, scores, draws=50, seed=2):
        assert (row.difference.low, row.difference.value, row.difference.high) == (0, 0, 0)
        assert row.first == row.second


def test_compare_redraws_the_same_videos_for_both_configurations():
    first, second = (_scores(np.random.default_rng(seed), 40, noise=0.3) for seed in (8, 9))
    rng, reliabilities = np.random.default_rng(5), []
    for _ in range(30):
        rows = rng.integers(40, size=40)
        reliabilities.append([rank_correlation(*scores.quality[:, rows]) for scores in (first, second)])
    samples = np.array(reliabilities)

    row = compare(first, second, draws=30, seed=5)[0]
    for found, values in ((row.first, samples[:, 0]), (row.difference, samples[:, 0] - samples[:, 1])):
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-12)


def test_compare_interval_covers_the_value_of_the_population():
    population = reliability(_scores(np.random.default_rng(6), 20_000, noise=0.4))
    covered = 0
    for seed in range(20):
        sample = _scores(np.random.default_rng(100 + seed), 80, noise=0.4)
        row = compare(sample, sample, draws=40, seed=seed)[0]
        covered += row.first.low <= population <= row.first.high
    assert covered >= 15


def test_compare_of_too_few_or_different_videos_is_refused():
    rng = np.random.default_rng(7)
    with pytest.raises(InputError, match="at least 3"):
        compare(_scores(rng, 2, 0.1), _scores(rng, 2, 0.1), draws=10, seed=0)
    with pytest.raises(InputError, match="the same videos"):
        compare(_scores(rng, 5, 0.1), _scores(rng, 6, 0.1), draws=10, seed=0)
