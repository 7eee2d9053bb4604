"""Comparison of two configurations of quality: coverage, reliability and prediction of long views (formulas §1.6).

Each video's viewers are split at random into two halves, and each half is scored as if it were the day. A score that
measures the video, and not the chance selection of its viewers, ranks videos alike in both halves (reliability). It
also ranks them like the other half's share of long views (prediction), which the score does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, spearmanr

from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats

LEVEL = 0.95
"""Confidence level of the bootstrap's percentile intervals"""


@dataclass(frozen=True)
class HalfScores:
    """Scores of n videos from each half of their viewers."""

    quality: Floats
    """(2, n) quality, by half"""
    long_views: Floats
    """(2, n) share of events that are long views, by half"""


@dataclass(frozen=True)
class Estimate:
    """A measure and its interval over resampled videos."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One measure of two configurations on the same videos, and the first less the second."""

    measure: str
    first: Estimate
    second: Estimate
    difference: Estimate


def coverage(quality: ArrayLike, compliant: ArrayLike) -> float:
    """Share of the compliant videos with quality above 0; (n,) arrays; 0 without a compliant video."""
    eligible = np.asarray(quality)[np.asarray(compliant, dtype=np.bool_)]
    return float(np.mean(eligible > 0)) if eligible.size else 0.0


def reliability(scores: HalfScores) -> float:
    """Rank correlation of quality between the halves, in [-1, 1]."""
    return rank_correlation(scores.quality[0], scores.quality[1])


def prediction(scores: HalfScores) -> float:
    """Rank correlation of one half's quality with the other half's long views, the mean of both directions."""
    forward = rank_correlation(scores.quality[0], scores.long_views[1])
    return (forward + rank_correlation(scores.quality[1], scores.long_views[0])) / 2


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's correlation of (n,) `a` and `b`, ties by mean rank; 0 if one is constant and ranks nothing."""
    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def compare(first: HalfScores, second: HalfScores, *, draws: int, seed: int) -> tuple[Comparison, ...]:
    """Reliability and prediction of two configurations, with bootstrap intervals.

    Parameters
    ----------
    first, second
        Scores of the same videos, in the same order. Each bootstrap sample uses the same videos for both, so that the
        interval of the difference is that of a paired comparison.
    draws, seed
        Number of bootstrap samples, and their seed.

    Raises
    ------
    InputError
        If the two score different numbers of videos, or fewer than 3.
    """
    n = first.quality.shape[1]
    if second.quality.shape[1] != n or n < 3:
        raise InputError(
            f"both configurations must score the same videos, at least 3, got {n} and {second.quality.shape[1]}"
        )
    return tuple(
        _compared(name, measure, first, second, draws, seed)
        for name, measure in (("reliability", reliability), ("prediction", prediction))
    )


def _compared(
    name: str, measure: Callable[[HalfScores], float], first: HalfScores, second: HalfScores, draws: int, seed: int
) -> Comparison:
    def values(rows: NDArray[np.intp], axis: int) -> Floats:
        """(3, samples) measures of the first, of the second, and their difference, from (samples, n) rows."""
        both = np.array([[measure(_resampled(scores, sample)) for sample in rows] for scores in (first, second)])
        return np.vstack([both, both[0] - both[1]])

    every = np.arange(first.quality.shape[1])
    low, high = bootstrap(
        (every,),
        values,
        vectorized=True,
        n_resamples=draws,
        batch=1,  # one sample of rows in memory at a time
        method="percentile",
        confidence_level=LEVEL,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    estimates = [Estimate(*map(float, row)) for row in zip(values(every[None], -1)[:, 0], low, high, strict=True)]
    return Comparison(name, *estimates)


def _resampled(scores: HalfScores, rows: NDArray[np.intp]) -> HalfScores:
    return HalfScores(scores.quality[:, rows], scores.long_views[:, rows])
