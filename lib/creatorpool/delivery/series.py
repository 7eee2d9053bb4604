"""Daily impressions and clicks of many contents at once: ragged arrays with offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.delivery.p2c import Bools, Floats, Integers
from creatorpool.errors import InputError


@dataclass(frozen=True, eq=False)
class DailySeries:
    """The days of n contents; content i has the entries ``offsets[i]:offsets[i + 1]`` of `pv` and `click`."""

    offsets: Integers
    """(n + 1,) from 0, never falling"""
    pv: Floats
    """(d,) impressions, >= 0"""
    click: Floats
    """(d,) clicks, in [0, pv]"""

    def __len__(self) -> int:
        return int(self.offsets.size - 1)

    @property
    def owner(self) -> Integers:
        """(d,) position of each day's content."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def where(self, wanted: Bools) -> DailySeries:
        """The series of the days at which `wanted`, (d,), is true."""
        kept = np.concatenate([[0], np.cumsum(wanted)])
        return DailySeries(kept[self.offsets].astype(np.int64), self.pv[wanted], self.click[wanted])

    def sums(self, values: Floats) -> Floats:
        """(n,) sums of (d,) `values` over each content's days."""
        return np.bincount(self.owner, weights=values, minlength=len(self)).astype(np.float64)


def daily_series(offsets: ArrayLike, pv: ArrayLike, click: ArrayLike) -> DailySeries:
    """`DailySeries` from unchecked arrays: (n + 1,) offsets, (d,) impressions and (d,) clicks.

    Raises
    ------
    InputError
        If shapes differ, offsets do not cover the days in order, or a day has more clicks than impressions, or a count
        that is negative or not finite; the message names the element.
    """
    edges = np.asarray(offsets, dtype=np.int64)
    x, y = np.asarray(pv, dtype=np.float64), np.asarray(click, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"pv and click must have one shape (days,), got {x.shape} and {y.shape}")
    if edges.ndim != 1 or edges.size < 1 or edges[0] != 0 or edges[-1] != x.size or (np.diff(edges) < 0).any():
        raise InputError(f"offsets must rise from 0 to the number of days, {x.size}, got {edges[:5]} … {edges[-1:]}")
    for name, values, upper in (("pv", x, np.inf), ("click", y, x)):
        bad = np.flatnonzero(~((values >= 0) & (values <= upper) & np.isfinite(values)))
        if bad.size:
            rule = "finite and >= 0" if name == "pv" else f"within [0, pv = {x[bad[0]]:g}]"
            raise InputError(f"{name}[{bad[0]}] must be {rule}, got {values[bad[0]]}")
    return DailySeries(edges, x, y)
