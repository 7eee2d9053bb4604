"""Cells of videos: those of one group that have one number of effective viewers, with sums that no order changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats


@dataclass(frozen=True)
class Moments:
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
        total = self.by_group(omega * self.videos)
        mean = ratio(self.by_group(omega * self.rates), total)

        m, pairs = mean[self.code], np.maximum(self.n * (self.n - 1.0), 0.0) / (inflation * inflation)
        excess = ratio(self.n * self.squares - self.rates, self.n - 1.0) - 2.0 * m * self.rates + m * m * self.videos
        scale = self.by_group(pairs * self.videos) * (mean * (1.0 - mean))
        spread = ratio(self.by_group(pairs * excess), scale) + ratio(np.ones(self.groups), total)
        return mean, np.where(scale > 0, np.clip(spread, 0.0, 1.0), 0.0)

    def of_groups(self, chosen: NDArray[np.intp]) -> Moments:
        """The cells of the `chosen` groups, which become groups 0, 1, …"""
        place = np.full(self.groups, -1)
        place[chosen] = np.arange(chosen.size)
        own = place[self.code] >= 0
        columns = (self.videos[own], self.rates[own], self.squares[own])
        return Moments(self.n[own], place[self.code[own]], *columns, chosen.size)

    def by_group(self, values: Floats) -> Floats:
        """(g,) sum of (c,) `values` over the cells of each group."""
        return np.asarray(np.bincount(self.code, weights=values, minlength=self.groups), dtype=np.float64)


@dataclass(frozen=True)
class Cells:
    """The cells of the videos: a cell holds the videos of one group with one n."""

    n: Floats
    code: NDArray[np.intp]
    cell: NDArray[np.intp]
    """(n,) cell of each video"""
    groups: int

    def moments(self, rate: Floats) -> Moments:
        """The sums of (n,) `rate`, in [0, 1]."""
        cells = self.n.size
        return Moments(
            self.n,
            self.code,
            np.bincount(self.cell, minlength=cells).astype(np.float64),
            _order_free_sums(rate, self.cell, cells),
            _order_free_sums(rate * rate, self.cell, cells),
            self.groups,
        )


def cells_of(n: Floats, code: NDArray[np.intp], groups: int) -> Cells:
    """The cells of videos with (n,) effective viewers `n` in groups `code`, 0 to `groups` - 1."""
    weights, place = np.unique(n, return_inverse=True)
    cells, cell = np.unique(code * weights.size + place, return_inverse=True)
    of_group, of_weight = np.divmod(cells, max(weights.size, 1))
    return Cells(weights[of_weight], of_group, cell, groups)


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


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, 0 where the denominator is 0."""
    return np.where(denominator != 0, numerator / np.where(denominator != 0, denominator, 1.0), 0.0)
