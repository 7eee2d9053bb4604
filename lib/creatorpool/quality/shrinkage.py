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
    cells = _cells(n, code, names.size)
    return [_fitted(names, cells.moments(_rate(x, n))) for x in checked]


def _fitted(names: NDArray[Any], moments: _Moments) -> GroupPrior:
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


def _bisected(moments: _Moments, start: Floats) -> tuple[Floats, Floats]:
    """(mean, γ) of groups at a fixed point γ of the step, on the side of `start` to which the step moves."""
    rises = moments.step(start)[1] > start
    low, high = np.where(rises, start, 0.0), np.where(rises, 1.0, start)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rises = moments.step(middle)[1] > middle
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return moments.step(high)[0], high


@dataclass(frozen=True)
class _Moments:
    """Sums over cells, (c,) sorted arrays: a cell holds the videos of one group with one n, of equal weight."""

    n: Floats
    code: NDArray[np.intp]
    videos: Floats
    rates: Floats
    squares: Floats
    groups: int

    def step(self, gamma: Floats) -> tuple[Floats, Floats]:
        """(mean, γ) of each group, with the weights that are optimal for the last `gamma`."""
        inflation = 1.0 + gamma[self.code] * np.maximum(self.n - 1.0, 0.0)
        omega = self.n / inflation
        total = self._by_group(omega * self.videos)
        mean = _ratio(self._by_group(omega * self.rates), total)

        m, pairs = mean[self.code], np.maximum(self.n * (self.n - 1.0), 0.0) / (inflation * inflation)
        excess = _ratio(self.n * self.squares - self.rates, self.n - 1.0) - 2.0 * m * self.rates + m * m * self.videos
        scale = self._by_group(pairs * self.videos) * (mean * (1.0 - mean))
        spread = _ratio(self._by_group(pairs * excess), scale) + _ratio(np.ones(self.groups), total)
        return mean, np.where(scale > 0, np.clip(spread, 0.0, 1.0), 0.0)

    def of_groups(self, chosen: NDArray[np.intp]) -> _Moments:
        """The cells of the `chosen` groups, which become groups 0, 1, …"""
        place = np.full(self.groups, -1)
        place[chosen] = np.arange(chosen.size)
        own = place[self.code] >= 0
        columns = (self.videos[own], self.rates[own], self.squares[own])
        return _Moments(self.n[own], place[self.code[own]], *columns, chosen.size)

    def _by_group(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.code, weights=values, minlength=self.groups), dtype=np.float64)


@dataclass(frozen=True)
class _Cells:
    """The cells of the videos: a cell holds the videos of one group with one n."""

    n: Floats
    code: NDArray[np.intp]
    cell: NDArray[np.intp]
    """(n,) cell of each video"""
    groups: int

    def moments(self, rate: Floats) -> _Moments:
        cells = self.n.size
        return _Moments(
            self.n,
            self.code,
            np.bincount(self.cell, minlength=cells).astype(np.float64),
            _order_free_sums(rate, self.cell, cells),
            _order_free_sums(rate * rate, self.cell, cells),
            self.groups,
        )


def _cells(n: Floats, code: NDArray[np.intp], groups: int) -> _Cells:
    weights, place = np.unique(n, return_inverse=True)
    cells, cell = np.unique(code * weights.size + place, return_inverse=True)
    of_group, of_weight = np.divmod(cells, max(weights.size, 1))
    return _Cells(weights[of_weight], of_group, cell, groups)


def _order_free_sums(values: Floats, cell: NDArray[np.intp], cells: int) -> Floats:
    """Sum of (n,) `values` in [0, 1] in each cell, with the same bits in any order.

    Each value is cut into two pieces on grids so coarse that the pieces add up without rounding. The rest below the
    finer grid, at most 2**-57 of a value for ten million rows, is dropped.
    """
    headroom = 2.0 ** values.size.bit_length()
    coarse, fine = headroom * 2.0**-52, headroom * headroom * 2.0**-104
    high = np.rint(values / coarse) * coarse
    low = np.rint((values - high) / fine) * fine
    sums = [np.bincount(cell, weights=piece, minlength=cells) for piece in (high, low)]
    return np.asarray(sums[0] + sums[1], dtype=np.float64)


def _rate(x: Floats, n: Floats) -> Floats:
    return np.minimum(_ratio(x, n), 1.0)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, 0 where the denominator is 0."""
    return np.where(denominator != 0, numerator / np.where(denominator != 0, denominator, 1.0), 0.0)


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
