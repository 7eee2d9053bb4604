"""The baseline: clicks per impression, shrunk to the group's mean (empirical Bayes, Beta–binomial; formulas §4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import gammaln, psi

from creatorpool.delivery.p2c import Floats
from creatorpool.errors import InputError

MAX_STRENGTH = 1e8
"""Strength of a group whose rates differ no more than by chance: all contents get its mean."""
_MIN_STRENGTH = 1e-2


@dataclass(frozen=True)
class RatePrior:
    """Beta prior of a group's click rates."""

    mean: float
    """in (0, 1)"""
    strength: float
    """α + β, the number of impressions that the mean counts for"""

    def smoothed(self, clicks: ArrayLike, impressions: ArrayLike) -> Floats:
        """`smoothed_rate` under this prior."""
        return smoothed_rate(clicks, impressions, self.mean, self.strength)


def smoothed_rate(clicks: ArrayLike, impressions: ArrayLike, mean: ArrayLike, strength: ArrayLike) -> Floats:
    """Posterior mean ``(clicks + strength·mean) / (impressions + strength)``, in (0, 1); the arrays broadcast."""
    y, x, m, k = (np.asarray(values, dtype=np.float64) for values in (clicks, impressions, mean, strength))
    return np.asarray((y + k * m) / (x + k), dtype=np.float64)


JEFFREYS = RatePrior(0.5, 1.0)
"""Prior of a content without others in its group: Beta(½, ½)."""


def fit_rate_prior(clicks: ArrayLike, impressions: ArrayLike) -> RatePrior:
    """Maximum-likelihood mean and strength of the Beta prior of the contents' click rates.

    Parameters
    ----------
    clicks, impressions : (n,) array_like
        Totals of each content of the group, 0 <= clicks <= impressions. Contents without impressions are left out.

    Returns
    -------
    RatePrior
        `JEFFREYS` if the group has no impressions.

    Raises
    ------
    InputError
        If shapes differ or a total is out of range; the message names the content.

    Notes
    -----
    Maximises ``Σ log B(y_i + α, x_i − y_i + β) − log B(α, β)`` over the log-odds of the mean and the logarithm of the
    strength, by L-BFGS with the exact gradient, started from the pooled rate and several strengths.
    """
    y, x = np.asarray(clicks, dtype=np.float64), np.asarray(impressions, dtype=np.float64)
    if y.ndim != 1 or y.shape != x.shape:
        raise InputError(f"clicks and impressions must have one shape (n,), got {y.shape} and {x.shape}")
    bad = np.flatnonzero(~((y >= 0) & (y <= x) & np.isfinite(x)))
    if bad.size:
        raise InputError(f"clicks[{bad[0]}] must lie within [0, impressions = {x[bad[0]]:g}], got {y[bad[0]]}")
    y, x = y[x > 0], x[x > 0]
    if x.size == 0:
        return JEFFREYS
    # As under Jeffreys' prior, so that the mean is not 0 or 1 if no impression or every impression was clicked.
    pooled = float((y.sum() + 0.5) / (x.sum() + 1.0))
    if x.size == 1:
        return RatePrior(pooled, MAX_STRENGTH)
    logit = float(np.log(pooled / (1.0 - pooled)))
    box = ((logit - 5.0, logit + 5.0), (np.log(_MIN_STRENGTH), np.log(MAX_STRENGTH)))
    order = np.lexsort((y, x))  # float sums must not depend on the order of contents
    starts = [np.array([logit, np.log(strength)]) for strength in (30.0, 3000.0, 1e6)]
    found = [
        minimize(_loss, start, args=(y[order], x[order]), jac=True, method="L-BFGS-B", bounds=box) for start in starts
    ]
    best = min(found, key=lambda result: float(result.fun))
    mean = 1.0 / (1.0 + np.exp(-best.x[0]))
    return RatePrior(float(mean), float(np.exp(best.x[1])))


def log_likelihood(prior: RatePrior, clicks: Floats, impressions: Floats) -> float:
    """Beta–binomial log-likelihood of (n,) totals, without the constant."""
    a, b = prior.strength * prior.mean, prior.strength * (1.0 - prior.mean)
    terms = _rise(a, clicks) + _rise(b, impressions - clicks) - _rise(a + b, impressions)
    return float(terms.sum())


def _rise(start: float, count: Floats) -> Floats:
    """``log Γ(start + count) − log Γ(start)``, without cancellation where `start` is large."""
    if start < 1e5:
        return np.asarray(gammaln(start + count) - gammaln(start), dtype=np.float64)
    # Stirling's series: the difference of two large numbers would lose the digits that depend on the counts.
    end = start + count
    log_ratio = np.log1p(count / start)
    return np.asarray(
        count * np.log(start) + (end - 0.5) * log_ratio - count + (1.0 / end - 1.0 / start) / 12.0, dtype=np.float64
    )


def _loss(at: Floats, y: Floats, x: Floats) -> tuple[float, Floats]:
    mean, strength = 1.0 / (1.0 + np.exp(-at[0])), np.exp(at[1])
    a, b = strength * mean, strength * (1.0 - mean)
    value = log_likelihood(RatePrior(float(mean), float(strength)), y, x)
    by_a = float((psi(a + y) - psi(a)).sum())
    by_b = float((psi(b + x - y) - psi(b)).sum())
    by_both = float((psi(a + b + x) - psi(a + b)).sum())
    by_mean = strength * (by_a - by_b) * mean * (1.0 - mean)
    by_strength = a * by_a + b * by_b - strength * by_both
    return -value / x.size, np.array([-by_mean, -by_strength]) / x.size
