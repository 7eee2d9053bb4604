"""Intervals of rates and of bootstrap replicates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts, checked_numbers
from creatorpool.incentives.types import Floats


class Estimate(NamedTuple):
    """A number with its interval; all NaN if the data do not suffice."""

    value: float
    low: float
    high: float


NOT_ESTIMATED = Estimate(float("nan"), float("nan"), float("nan"))


def wilson_interval(passes: ArrayLike, entrants: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """(low, high) Wilson score interval of a pass rate; exactly 0 if none passed, exactly 1 if all passed.

    The counts satisfy 0 <= passes <= entrants and entrants >= 1, and broadcast; the confidence is in (0, 1).

    Raises
    ------
    InputError
        If a count or the confidence is out of range.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    x, m = np.broadcast_arrays(checked_counts("passes", passes, 0), checked_counts("entrants", entrants, 1))
    if (x > m).any():
        raise InputError(f"passes must not exceed entrants, got {x[x > m].flat[0]} of {m[x > m].flat[0]}")
    z = normal_quantile(confidence)
    z2, rate = z**2, x / m
    centre = (rate + z2 / (2 * m)) / (1 + z2 / m)
    reach = z * np.sqrt(rate * (1 - rate) / m + z2 / (4.0 * m * m)) / (1 + z2 / m)
    low, high = np.where(x == 0, 0.0, centre - reach), np.where(x == m, 1.0, centre + reach)
    return low[()], high[()]


def normal_quantile(confidence: float) -> float:
    """The z such that a standard normal variable lies within ±z with probability `confidence`, in (0, 1)."""
    level = checked_numbers("confidence", confidence, 0.0, 1.0).item()
    return float(ndtri(0.5 + 0.5 * level))


def percentile_interval(value: float, replicates: Floats, confidence: float = 0.95) -> Estimate:
    """`value` with the percentile interval of (r,) bootstrap replicates; it ignores replicates that are not finite."""
    known = replicates[np.isfinite(replicates)]
    if known.size == 0 or not np.isfinite(value):
        return NOT_ESTIMATED
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Estimate(float(value), float(low), float(high))
