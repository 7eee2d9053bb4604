"""Two estimates of the pass slope at the cohort's median: by the pass curve, and by influence weights.

Both are vectorised over replicates, so that the data and their bootstrap share the code (formulas §3.10, S4 B.6 steps
2 and 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from creatorpool.incentives.cohort import CohortCounts
from creatorpool.incentives.logistic_kernels import fill_curves
from creatorpool.incentives.types import Floats, Integers

# Parts of the cohort, nearest the median, that the line fits of the pivotal probability and of slots' responses use.
PIVOT_PART = 0.2
RESPONSE_PART = 0.5


class Slopes(NamedTuple):
    """Estimates at the median proxy, (r,) each."""

    probability: Floats
    """π̂ by the curve"""
    slope: Floats
    """π̂′ by the curve, per unit of proxy"""
    influence: Floats
    """π̂′ = Σ_j P̂[S_{−j} = k − 1] ĝ_j′, per unit of proxy"""
    success_rate: Floats
    """success chance per impression"""
    response: Floats
    """slope of the success chance per unit of proxy: the mean ĝ_j′"""


def slopes_at_median(counts: CohortCounts, replicates: Integers, k: int) -> Slopes:
    """Estimates for each of r replicates, (r, b, n + 1) counts, at the bar `k`."""
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
    """The bins nearest the median that hold `part` of the entrants, at least two."""
    order = np.argsort(np.abs(counts.proxy - counts.median), kind="stable")
    held = np.cumsum(counts.entrants.sum(axis=1)[order]) / counts.total
    return np.sort(order[: max(2, int(np.searchsorted(held, part)) + 1)])


def _pivotal_probability(counts: CohortCounts, replicates: Integers, bins: Integers, k: int) -> Floats:
    """(r, n) share of entrants at the median for whom slot j is pivotal: the other slots have k − 1 successes.

    It is read off a line through the bins. Their mean would be biased, because bins seldom lie evenly around the
    median; in a large cohort the bias would exceed the standard error.
    """
    part = replicates[:, bins].astype(np.float64)
    short = part[..., k - 1, None] * (1.0 - counts.slot_rate[bins, k - 1])
    just = part[..., k, None] * counts.slot_rate[bins, k]
    weight = part.sum(axis=-1)
    level, _ = _line_at_median(counts, bins, weight, (short + just) / np.maximum(weight, 1.0)[..., None])
    return np.maximum(level, 0.0)


def _slot_response(counts: CohortCounts, replicates: Integers, bins: Integers) -> tuple[Floats, Floats]:
    """(r, n) success rate of each slot at the median, and (r, n) its slope."""
    part = replicates[:, bins].astype(np.float64)
    weight = part.sum(axis=-1)
    rate = np.einsum("rbs,bsj->rbj", part, counts.slot_rate[bins]) / np.maximum(weight, 1.0)[..., None]
    return _line_at_median(counts, bins, weight, rate)


def _line_at_median(counts: CohortCounts, bins: Integers, weight: Floats, value: Floats) -> tuple[Floats, Floats]:
    """(r, n) level at the median and (r, n) slope of (r, b, n) values, by least squares with (r, b) weights of bins."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    mean_x = share @ counts.proxy[bins]
    gap = counts.proxy[bins] - mean_x[:, None]
    mean_y = (share[..., None] * value).sum(axis=1)
    spread = (share * gap**2).sum(axis=1)
    slope = ((share * gap)[..., None] * value).sum(axis=1) / np.where(spread > 0, spread, np.nan)[:, None]
    return mean_y + slope * (counts.median - mean_x)[:, None], slope
