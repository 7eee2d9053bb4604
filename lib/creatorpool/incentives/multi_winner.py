"""Several winners: the bar at which the expected number of passes fills the seats (formulas §3.3, S4 C.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts, checked_numbers
from creatorpool.incentives.pass_model import BinomialModel, PassModel, PassPoint
from creatorpool.incentives.types import Floats, Integers


def seat_threshold(seats: ArrayLike, peer_quality: ArrayLike, n: ArrayLike, model: PassModel | None = None) -> Integers:
    """The bar k whose expected number of passes among the entrants is nearest the number of seats.

    Parameters
    ----------
    seats : array_like of int
        K >= 0; broadcasts with `n`.
    peer_quality : (M,) array_like
        Qualities of the M entrants.
    n : array_like of int
        Test impressions, >= 1.
    model : PassModel, optional
        Pass probability as a function of quality; the binomial test by default.

    Returns
    -------
    int64 array
        k in 0 … n + 1. Of two bars equally near it is the higher one, which leaves seats empty rather than overfilled.

    Raises
    ------
    InputError
        If a value is out of range, there is no entrant, or the shapes do not broadcast.
    """
    peers = checked_numbers("peer_quality", peer_quality, 0.0, 1.0).reshape(-1)
    if peers.size == 0:
        raise InputError("peer_quality must hold at least one entrant, got none")
    wanted, window = np.broadcast_arrays(checked_counts("seats", seats, 0), checked_counts("n", n, 1))
    out = np.empty(window.shape, dtype=np.int64)
    for size in np.unique(window):
        bars = np.arange(size + 1, -1, -1)
        test = BinomialModel() if model is None else model
        expected = test.probability(peers[:, None], np.asarray(size), bars).sum(axis=0)
        here = window == size
        out[here] = bars[np.argmin(np.abs(expected - wanted[here][:, None]), axis=-1)]
    return out[()]


@dataclass(frozen=True)
class MultiWinnerModel(PassModel):
    """K seats for a cohort: `k` in (q, n, k) is the number of seats, and π_K the chance to reach the bar they imply."""

    peer_quality: Floats
    """(M,) qualities of the cohort"""
    base: PassModel = field(default_factory=BinomialModel)

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π_K, π_K′ and π_K″ at the bar that the cohort sets; one entrant's quality does not change the bar."""
        return self.base.evaluate(q, n, seat_threshold(k, self.peer_quality, n, self.base))

    def probability(self, q: Floats, n: Integers, k: Integers) -> Floats:
        """π_K alone."""
        return self.base.probability(q, n, seat_threshold(k, self.peer_quality, n, self.base))

    def largest_bar(self, n: Integers) -> Integers:
        """The cohort's size: more seats than entrants have no meaning."""
        return np.full_like(n, np.size(self.peer_quality))
