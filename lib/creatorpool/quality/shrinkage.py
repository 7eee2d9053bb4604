"""Empirical-Bayes shrinkage of rates to the mean of their group (formulas §1.5).

Model: each video of a group has its own rate. Over the group's videos these rates have mean m and variance m(1 − m)γ,
with γ = 1/(1 + k). The observed rate x/n has the video's rate as its mean, and the variance of n independent viewers.
A Beta prior of strength k has these moments and gives the posterior mean (x + km)/(n + k). The fit needs only the
moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats
from creatorpool.quality.cells import Moments, cells_of, ratio

MAX_ROUNDS = 100
CONVERGED = 1e-12
BISECTIONS = 60  # so many halve an interval in [0, 1] to less than the last bit of γ


@dataclass(frozen=True)
class GroupPrior:
    """The fitted prior of each group."""

    group: NDArray[Any]
    """(g,) distinct groups, sorted"""
    mean: Floats
    """(g,) m, in [0, 1]"""
    strength: Floats
    """(g,) k, in viewers, in [0, inf]: the mean counts like the evidence of k viewers"""


def shrink(successes: ArrayLike, weight: ArrayLike, group: ArrayLike) -> Floats:
    """Rates shrunk to their group's mean, ``(x + k·m) / (n + k)``, with m and k fitted by `fit_prior`.

    Parameters
    ----------
    successes : (n,) array_like
        x: viewers who acted, trust-weighted, within [0, weight].
    weight : (n,) array_like
        n: effective number of viewers, finite and >= 0, not always whole. A video with weight 0 gets its group's mean.
    group : (n,) array_like
        Group of each video, such as its category.

    Returns
    -------
    (n,) float64 array
        Rates in [0, 1], each between the video's own rate and its group's mean.

    Raises
    ------
    InputError
        If shapes differ, or a weight or number of successes is out of range.
    """
    prior = fit_prior(successes, weight, group)
    x, n = np.asarray(successes, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    place = np.searchsorted(prior.group, np.asarray(group))
    return shrunk_rate(_rate(x, n), n, prior.mean[place], prior.strength[place])


def shrunk_rate(rate: Floats, weight: Floats, mean: Floats, strength: Floats) -> Floats:
    """(n,) ``(n·rate + k·m) / (n + k)``, in a form that allows an infinite k; all arguments are (n,) arrays."""
    evidence = weight + strength
    reliability = np.where(evidence > 0, weight / np.where(evidence > 0, evidence, 1.0), 0.0)
    return np.clip(mean + (rate - mean) * reliability, 0.0, 1.0)


def fit_prior(successes: ArrayLike, weight: ArrayLike, group: ArrayLike) -> GroupPrior:
    """Mean and strength of every group, by weighted moments; arguments and errors as `shrink`.

    Notes
    -----
    ``x² − x − 2m(n − 1)x + n(n − 1)m²`` has mean n(n − 1)γm(1 − m) and is uncorrelated with x if γ = 0, so that it is
    precise when actions are rare. It is summed with weights 1/(1 + γ(n − 1))², and m is the mean rate with weights
    ω = n/(1 + γ(n − 1)). Both weights are optimal for their γ, and the two steps alternate until γ converges. If that
    takes more than `MAX_ROUNDS`, as in some groups of a few videos, bisection finds γ: the step maps [0, 1]
    continuously into itself, so that every bracket contains a fixed point. 1/Σω corrects for the estimation of m from
    the same videos. A group whose videos differ no more than by chance has γ = 0, an infinite strength. So has a group
    in which all or no viewers acted, or in which no video has more than one viewer: it has no information on γ.

    The result has the same bits in any order of rows.

    References
    ----------
    Kleinman, Proportions with extraneous variance, JASA 68 (1973). Tarone, Testing the goodness of fit of the binomial
    distribution, Biometrika 66 (1979), for the uncorrelated second moment.
    """
    return fit_priors_of([successes], weight, group)[0]


def fit_priors_of(successes: Sequence[ArrayLike], weight: ArrayLike, group: ArrayLike) -> list[GroupPrior]:
    """`fit_prior` for several rates of the same videos; weights and groups are sorted only once."""
    checked = [_checked(x, weight, group) for x in successes]
    n = np.asarray(weight, dtype=np.float64)
    names, code = np.unique(np.asarray(group), return_inverse=True)
    cells = cells_of(n, code, names.size)
    return [_fitted(names, cells.moments(_rate(x, n))) for x in checked]


def _fitted(names: NDArray[Any], moments: Moments) -> GroupPrior:
    gamma, last_move = np.zeros(names.size), np.zeros(names.size)
    for _ in range(MAX_ROUNDS):
        previous, (mean, gamma) = gamma, moments.step(gamma)
        last_move = np.abs(gamma - previous)
        if np.max(last_move, initial=0.0) <= CONVERGED:
            break
    slow = np.flatnonzero(last_move > CONVERGED)
    if slow.size:
        mean[slow], gamma[slow] = _bisected(moments.of_groups(slow), gamma[slow])
    with np.errstate(divide="ignore"):
        return GroupPrior(names, mean, (1.0 - gamma) / gamma)


def _bisected(moments: Moments, start: Floats) -> tuple[Floats, Floats]:
    """(mean, γ) of groups at a fixed point γ of the step, on the side of `start` to which the step moves."""
    rises = moments.step(start)[1] > start
    low, high = np.where(rises, start, 0.0), np.where(rises, 1.0, start)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rises = moments.step(middle)[1] > middle
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return moments.step(high)[0], high


def _rate(x: Floats, n: Floats) -> Floats:
    return np.minimum(ratio(x, n), 1.0)


def _checked(successes: ArrayLike, weight: ArrayLike, group: ArrayLike) -> Floats:
    """`successes` as an (n,) array; InputError if it does not fit the weights and groups."""
    x, n, g = np.asarray(successes, dtype=np.float64), np.asarray(weight, dtype=np.float64), np.asarray(group)
    if x.ndim != 1 or not x.shape == n.shape == g.shape:
        raise InputError(f"successes, weight and group must have one shape (n,), got {x.shape}, {n.shape}, {g.shape}")
    for name, values, upper in (("weight", n, np.inf), ("successes", x, n * (1 + 1e-9))):
        bad = np.flatnonzero(~((values >= 0) & (values <= upper) & np.isfinite(values)))
        if bad.size:
            rule = "finite and >= 0" if name == "weight" else f"within [0, weight = {n[bad[0]]:g}]"
            raise InputError(f"{name}[{bad[0]}] must be {rule}, got {values[bad[0]]}")
    return x
