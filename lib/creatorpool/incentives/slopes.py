"""Two estimates of the pass slope at the cohort's median, from counts: the curve's and the influence weights'.

Both are vectorised over replicates, so that the data and their bootstrap take one path (formulas §3.10, S4 B.6 steps 2
and 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from creatorpool.incentives.cohort import CohortCounts
from creatorpool.incentives.logistic_kernels import fill_curves
from creatorpool.incentives.types import Floats, Integers

# Parts of the cohort, nearest the median, over which the deciding chance and a slot's response are fitted by lines.
PIVOT_PART = 0.2
RESPONSE_PART = 0.5


class Slopes(NamedTuple):
    """All (r,), at the median proxy."""

    probability: Floats
    """π̂ by the curve"""
    slope: Floats
    """π̂′ by the curve, per unit of proxy"""
    influence: Floats
    """π̂′ = Σ_j P̂[S_{−j} = k − 1] ĝ_j′, per unit of proxy"""
    success_rate: Floats
    """chance of a success an impression"""
    response: Floats
    """its slope: the mean ĝ_j′"""


def slopes_at_median(counts: CohortCounts, replicates: Integers, k: int) -> Slopes:
    """Estimates for each of (r, b, n + 1) replicated counts at the bar `k`."""
    entrants = replicates.sum(axis=-1).astype(np.float64)
    passes = replicates[..., k:].sum(axis=-1).astype(np.float64)
    curve = np.empty((len(replicates), 2))
    scale = float(np.ptp(counts.proxy)) or 1.0
    fill_curves((counts.proxy - counts.median) / scale, passes, entrants, curve)
    pivot = _pivotal_probability(counts, replicates, _nearest_bins(counts, PIVOT_PART), k)
    level, response = _slot_response(counts, replicates, _nearest_bins(counts, RESPONSE_PART))
    return Slopes(
        probability=curve[:, 0],
        slope=curve[:, 1] / scale,
        influence=(pivot * response).sum(axis=-1),
        success_rate=level.mean(axis=-1),
        response=response.mean(axis=-1),
    )


def _nearest_bins(counts: CohortCounts, part: float) -> Integers:
    """Bins nearest the median, two at least, that hold `part` of the entrants."""
    order = np.argsort(np.abs(counts.proxy - counts.median), kind="stable")
    held = np.cumsum(counts.entrants.sum(axis=1)[order]) / counts.total
    return np.sort(order[: max(2, int(np.searchsorted(held, part)) + 1)])


def _pivotal_probability(counts: CohortCounts, replicates: Integers, bins: Integers, k: int) -> Floats:
    """(r, n) share of entrants at the median for whom slot j decides: the other slots bring k − 1 successes.

    A line through the bins and not their mean: these seldom lie evenly about the median, and the larger the cohort, the
    more that would bias the chance beside its error.
    """
    part = replicates[:, bins].astype(np.float64)
    short = part[..., k - 1, None] * (1.0 - counts.slot_rate[bins, k - 1])
    just = part[..., k, None] * counts.slot_rate[bins, k]
    weight = part.sum(axis=-1)
    level, _ = _line_at_median(counts, bins, weight, (short + just) / np.maximum(weight, 1.0)[..., None])
    return np.maximum(level, 0.0)


def _slot_response(counts: CohortCounts, replicates: Integers, bins: Integers) -> tuple[Floats, Floats]:
    """(r, n) success rate of each slot at the median and its slope."""
    part = replicates[:, bins].astype(np.float64)
    weight = part.sum(axis=-1)
    rate = np.einsum("rbs,bsj->rbj", part, counts.slot_rate[bins]) / np.maximum(weight, 1.0)[..., None]
    return _line_at_median(counts, bins, weight, rate)


def _line_at_median(counts: CohortCounts, bins: Integers, weight: Floats, value: Floats) -> tuple[Floats, Floats]:
    """(r, n) level at the median and slope of (r, b, n) values, by least squares over bins of (r, b) weights."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    mean_x = share @ counts.proxy[bins]
    gap = counts.proxy[bins] - mean_x[:, None]
    mean_y = (share[..., None] * value).sum(axis=1)
    spread = (share * gap**2).sum(axis=1)
    slope = ((share * gap)[..., None] * value).sum(axis=1) / np.where(spread > 0, spread, np.nan)[:, None]
    return mean_y + slope * (counts.median - mean_x)[:, None], slope
