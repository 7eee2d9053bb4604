"""Which days of a content are fitted, and whether they suffice for a curve (formulas §4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from creatorpool.delivery.fitting_kernels import rising_rows
from creatorpool.delivery.p2c import Floats
from creatorpool.delivery.series import DailySeries

SUITABLE = ""
MIN_SPREAD = 1.1
"""The largest impressions must be at least this many times the least."""
MAX_GAP = 0.95
"""The gap before the largest day must not exceed this share of the span of impressions."""
ASSOCIATION_LEVEL = 0.95
"""One-sided confidence that clicks rise with impressions."""


class Reasons:
    """Why a content has no curve of its own."""

    NO_DAYS = "no day with impressions"
    NO_CLICKS = "no clicks"
    TOO_SHORT = "too few days with clicks"
    NARROW = "impressions hardly differ between days"
    DECREASING = "clicks fall as impressions rise"
    FLAT = "clicks do not rise with impressions"
    FEW_RISING = "too few days on which clicks rise with impressions"
    HUGE_DAY = "one day makes most of the span of impressions"


@dataclass(frozen=True, eq=False)
class Suitability:
    """The days to which each of n contents is fitted, and the reason if they do not suffice."""

    positive: DailySeries
    """days with clicks, in order of impressions"""
    rising: DailySeries
    """the fitted days: the longest increasing subsequence of `positive`, or all of them if fewer than `min_points`"""
    reason: NDArray[np.str_]
    """(n,) `SUITABLE`, or one of `Reasons`"""

    @property
    def anchor(self) -> tuple[Floats, Floats]:
        """(n,) impressions and clicks of the first rising day; nan without one."""
        return _at_edge(self.rising, 0, self.rising.pv), _at_edge(self.rising, 0, self.rising.click)

    @property
    def last(self) -> tuple[Floats, Floats]:
        """(n,) impressions and clicks of the last rising day; nan without one."""
        return _at_edge(self.rising, 1, self.rising.pv), _at_edge(self.rising, 1, self.rising.click)


def assess(series: DailySeries, min_points: int, only_increasing: bool = True) -> Suitability:
    """Order each content's days with clicks, find the longest increasing subsequence, and test if it suffices.

    Without `only_increasing`, all days with clicks are fitted. If several reasons apply, the first in the order of
    `Reasons` is given.
    """
    positive = _in_order(series.where(series.click > 0))
    chosen = np.ones(positive.pv.size, dtype=np.bool_)
    if only_increasing:
        chosen[:] = False
        rising_rows(positive.offsets, positive.pv, positive.click, chosen)
        # Keep all of few days: only those that happen to rise would make the curve too steep.
        chosen |= (np.diff(positive.offsets) < min_points)[positive.owner]
    rising = positive.where(chosen)
    found = Suitability(positive, rising, np.full(len(series), SUITABLE, dtype="U128"))
    shown, days, points = series.sums((series.pv > 0).astype(np.float64)), _counts(positive), _counts(rising)
    correlation, bar = _log_correlation(positive), _least_correlation(days)
    first, last = found.anchor[0], found.last[0]
    before_last = _at_edge(rising, 2, rising.pv)
    with np.errstate(invalid="ignore"):
        is_huge = last - before_last > MAX_GAP * (last - first)
        faults = (
            (Reasons.NO_DAYS, shown == 0),
            (Reasons.NO_CLICKS, days == 0),
            (Reasons.TOO_SHORT, days < min_points),
            (Reasons.NARROW, _at_edge(positive, 1, positive.pv) < MIN_SPREAD * _at_edge(positive, 0, positive.pv)),
            (Reasons.DECREASING, correlation < -bar),
            (Reasons.FLAT, ~(correlation > bar)),
            (Reasons.FEW_RISING, points < min_points),
            (Reasons.HUGE_DAY, is_huge),
        )
    for reason, applies in reversed(faults):
        found.reason[applies] = reason
    return found


def _in_order(series: DailySeries) -> DailySeries:
    """Each content's days by impressions; days with equal impressions by falling clicks, so that at most one rises."""
    order = np.lexsort((-series.click, series.pv, series.owner))
    return DailySeries(series.offsets, series.pv[order], series.click[order])


def _counts(series: DailySeries) -> Floats:
    return np.diff(series.offsets).astype(np.float64)


def _at_edge(series: DailySeries, edge: int, values: Floats) -> Floats:
    """(n,) `values` at each content's first day (`edge` 0), last day (1) or the day before it (2); nan if missing."""
    place = series.offsets[:-1] if edge == 0 else series.offsets[1:] - edge
    has_day = np.diff(series.offsets) >= max(edge, 1)
    result = np.full(len(series), np.nan)
    result[has_day] = values[place[has_day]]
    return result


def _log_correlation(series: DailySeries) -> Floats:
    """(n,) correlation of log impressions and log clicks over each content's days; 0 if either is constant."""
    days = np.maximum(_counts(series), 1.0)
    u, v = np.log(series.pv), np.log(series.click)
    u, v = u - (series.sums(u) / days)[series.owner], v - (series.sums(v) / days)[series.owner]
    scale = np.sqrt(series.sums(u * u) * series.sums(v * v))
    return np.where(scale > 1e-9, series.sums(u * v) / np.where(scale > 1e-9, scale, 1.0), 0.0)


def _least_correlation(days: Floats) -> Floats:
    """(n,) correlation that chance exceeds with probability 1 − `ASSOCIATION_LEVEL`, for (n,) numbers of days."""
    free, place = np.unique(np.maximum(days - 2.0, 1.0), return_inverse=True)
    t = student.ppf(ASSOCIATION_LEVEL, free)
    return np.asarray((t / np.sqrt(free + t * t))[place], dtype=np.float64)
