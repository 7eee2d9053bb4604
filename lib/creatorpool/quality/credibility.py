"""Shrinkage of means of values in [0, 1], whose variance over viewers is unknown (formulas §1.5).

The variance of a 0/1 value follows from its mean, that of any other value does not. Model: the means of a group's
videos have variance Vγ around the group's mean m, with V = m(1 − m), and the mean over n viewers adds Vs/n. A 0/1 value
has s = 1 − γ, any other value less. Both come from the squared deviations of videos with few and with many viewers. The
best linear estimate of a video's mean is (n r + k m) / (n + k), with k = s/γ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats
from creatorpool.quality.cells import Moments, cells_of, ratio
from creatorpool.quality.shrinkage import GroupPrior, fit_prior

ROUNDS = 50
"""Rounds of reweighting; the fit settles in about ten"""

LEAST_VARIANCE = 1e-9
"""Least variance of a video's mean in units of V, so that weights stay finite"""

FLAT = 1e-9
"""Share of the spread of 1/n below which videos are too alike in n to tell γ from s"""


def fit_signal_prior(values: Floats, viewers: Floats, weight: Floats, group: NDArray[Any]) -> GroupPrior:
    """The prior of a trust-weighted mean of values in [0, 1], such as a custom signal.

    Parameters
    ----------
    values : (n,) array
        Mean of each video, in [0, 1].
    viewers : (n,) array
        Number of viewers, whole. Videos with one viewer show whether a viewer's value is only ever 0 or 1.
    weight : (n,) array
        Effective number of viewers, > 0.
    group : (n,) array
        Group of each video, such as its category.

    Returns
    -------
    GroupPrior
        Of a group whose videos with one viewer have only 0 or 1, or whose videos all have the same weight: `fit_prior`.
        Of any other: m and k = s/γ by weighted least squares. A signal that is the same for all viewers of a video has
        s = 0, and does not shrink.
    """
    names, code = np.unique(group, return_inverse=True)
    prior = fit_prior(weight * values, weight, group)
    mean, strength = _fitted_means(cells_of(weight, code, names.size).moments(values))
    is_between = (viewers == 1) & (values > 0.0) & (values < 1.0)
    is_mean = (np.bincount(code[is_between], minlength=names.size) > 0) & np.isfinite(mean)
    return GroupPrior(names, np.where(is_mean, mean, prior.mean), np.where(is_mean, strength, prior.strength))


def _fitted_means(moments: Moments) -> tuple[Floats, Floats]:
    """(mean, strength) of each group; NaN where all its videos have the same n."""
    gamma, s = np.zeros(moments.groups), np.ones(moments.groups)
    for _ in range(ROUNDS):
        mean, gamma, s = _step(moments, gamma, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean, np.where(gamma > 0, s / gamma, np.inf)


def _step(moments: Moments, gamma: Floats, s: Floats) -> tuple[Floats, Floats, Floats]:
    """(mean, γ, s) with the weights that are optimal for the last γ and s."""
    per_viewer = 1.0 / moments.n
    omega = 1.0 / np.maximum(gamma[moments.code] + s[moments.code] * per_viewer, LEAST_VARIANCE)
    total = moments.by_group(omega * moments.videos)
    mean = ratio(moments.by_group(omega * moments.rates), total)
    squares = _scaled_squares(moments, mean) + (1.0 / total)[moments.code] * moments.videos
    weights = omega * omega
    return mean, *_line(moments, per_viewer, weights * moments.videos, weights * squares)


def _scaled_squares(moments: Moments, mean: Floats) -> Floats:
    """(c,) sums of (r − m)²/V over the videos of each cell; 0 where V = 0."""
    m = mean[moments.code]
    squares = moments.squares - 2.0 * m * moments.rates + m * m * moments.videos
    return ratio(np.maximum(squares, 0.0), m * (1.0 - m))


def _line(moments: Moments, z: Floats, weights: Floats, weighted_y: Floats) -> tuple[Floats, Floats]:
    """(γ, s) of the least-squares line y = γ + s z of each group, within γ, s >= 0 and γ + s <= 1; NaN without one."""
    s0, s1, s2 = (moments.by_group(weights * power) for power in (1.0, z, z * z))
    t0, t1 = moments.by_group(weighted_y), moments.by_group(weighted_y * z)
    determinant = s0 * s2 - s1 * s1
    has_line = determinant > FLAT * s0 * s2
    slope = np.clip(ratio(s0 * t1 - s1 * t0, np.where(has_line, determinant, 0.0)), 0.0, 1.0)
    gamma = np.clip(ratio(t0 - slope * s1, s0), 0.0, 1.0)
    return np.where(has_line, gamma, np.nan), np.minimum(slope, 1.0 - gamma)
