"""Sufficient statistics of a segment's test: entrants by proxy bin and successes (formulas §3.10, S4 B.6 step 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.types import Floats, Integers


@dataclass(frozen=True)
class CohortCounts:
    """Sufficient statistics of a segment; their size does not depend on the number of entrants."""

    proxy: Floats
    """(b,) mean of the quality proxy in each bin, ascending"""
    entrants: Integers
    """(b, n + 1) entrants by bin and number of successes"""
    slot_rate: Floats
    """(b, n + 1, n) share of a cell's entrants who succeeded in each slot; s/n if only the count s is known"""
    median: float
    """median proxy of the cohort"""

    def __post_init__(self) -> None:
        bins, size = self.proxy.size, self.entrants.shape[-1] - 1
        if self.entrants.shape != (bins, size + 1) or self.slot_rate.shape != (bins, size + 1, size):
            raise InputError(
                f"counts of {bins} bins need entrants (b, n + 1) and slot_rate (b, n + 1, n), "
                f"got {self.entrants.shape} and {self.slot_rate.shape}"
            )
        if (np.diff(self.proxy) <= 0).any():
            raise InputError(f"proxy must hold the bins' means in ascending order, got {self.proxy}")

    @property
    def n(self) -> int:
        """Test impressions."""
        return int(self.entrants.shape[-1]) - 1

    @property
    def total(self) -> int:
        """Number of entrants."""
        return int(self.entrants.sum())


def identical_slots(bins: int, n: int) -> Floats:
    """(b, n + 1, n) slot rates s/n, for tests of which only the number of successes s is known."""
    return np.broadcast_to((np.arange(n + 1) / n)[None, :, None], (bins, n + 1, n)).copy()


def count_cohort(proxy: ArrayLike, outcomes: ArrayLike, bins: int = 20) -> CohortCounts:
    """Counts from one row per entrant; bins hold equal shares of the cohort, in order of the proxy.

    Parameters
    ----------
    proxy : (m,) array_like
        Quality proxy known at entry.
    outcomes : (m, n) array_like of 0 and 1
        Success in each test slot.
    bins : int
        Largest number of bins. Equal proxies share a bin, so there may be fewer.

    Raises
    ------
    InputError
        If shapes do not match, there are no entrants, or a value is not finite.
    """
    x, y = checked_numbers("proxy", proxy), checked_numbers("outcomes", outcomes, 0.0, 1.0)
    if y.ndim != 2 or x.shape != y.shape[:1] or x.size == 0:
        raise InputError(f"proxy must be (m,) and outcomes (m, n), got {x.shape} and {y.shape}")
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.unique(np.searchsorted(edges, x, side="right"), return_inverse=True)[1]
    size, n = int(place.max()) + 1, y.shape[1]
    successes = y.sum(axis=1).astype(np.int64)
    entrants = np.zeros((size, n + 1), dtype=np.int64)
    np.add.at(entrants, (place, successes), 1)
    by_slot = np.zeros((size, n + 1, n))
    np.add.at(by_slot, (place, successes), y)
    seen = entrants[..., None] > 0
    rate = np.where(seen, by_slot / np.where(seen, entrants[..., None], 1), identical_slots(size, n))
    means = np.bincount(place, weights=x) / np.bincount(place)
    return CohortCounts(means, entrants, rate, float(np.median(x)))
