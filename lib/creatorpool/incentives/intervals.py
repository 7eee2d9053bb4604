"""Intervals of rates and of bootstrap replicates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts
from creatorpool.incentives.continuation import NORMAL_95
from creatorpool.incentives.types import Floats


class Estimate(NamedTuple):
    """A number with its 95 % interval; all NaN where the data do not carry one."""

    value: float
    low: float
    high: float


NOT_ESTIMATED = Estimate(float("nan"), float("nan"), float("nan"))


def wilson_interval(passes: ArrayLike, entrants: ArrayLike) -> tuple[Floats, Floats]:
    """95 % Wilson score interval of a pass rate; exact ends 0 and 1 where none or all passed.

    Arguments are counts, 0 <= passes <= entrants and entrants >= 1, of shapes that broadcast.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    x, m = np.broadcast_arrays(checked_counts("passes", passes, 0), checked_counts("entrants", entrants, 1))
    if (x > m).any():
        raise InputError(f"passes must not exceed entrants, got {x[x > m].flat[0]} of {m[x > m].flat[0]}")
    z2, rate = NORMAL_95**2, x / m
    centre = (rate + z2 / (2 * m)) / (1 + z2 / m)
    reach = NORMAL_95 * np.sqrt(rate * (1 - rate) / m + z2 / (4.0 * m * m)) / (1 + z2 / m)
    low, high = np.where(x == 0, 0.0, centre - reach), np.where(x == m, 1.0, centre + reach)
    return low[()], high[()]


def percentile_interval(value: float, replicates: Floats) -> Estimate:
    """Percentile interval of (r,) bootstrap replicates; replicates without a value do not count."""
    known = replicates[np.isfinite(replicates)]
    if known.size == 0 or not np.isfinite(value):
        return NOT_ESTIMATED
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))
