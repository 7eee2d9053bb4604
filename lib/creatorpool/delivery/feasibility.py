"""Violations of a plan's constraints, computed from the plan alone, independently of any solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats

# Relative rounding error of impressions that the checks accept.
TOLERANCE = 1e-7
# Tolerance of the least violation: a part of the violation, and at least a part of `rounding`.
SPARE, SPARE_ROUNDING = 1e-6, 1e-2
# Parts of `spare` that mixtures and repairs do not use, so that the rounding of later steps stays within it.
MIXED_LEAVE, REPAIRED_LEAVE = 0.25, 0.125


@dataclass(frozen=True)
class Shortfalls:
    """Unmet parts of the guarantees."""

    impressions: Floats
    """(n,) >= 0"""
    clicks: Floats
    """(n,) >= 0"""
    violation: float
    """their sum in impressions; a click counts `DeliveryProblem.impressions_per_click`"""

    @property
    def met(self) -> bool:
        """Whether all guarantees are met."""
        return self.violation == 0.0


def shortfalls(problem: DeliveryProblem, impressions: Floats) -> Shortfalls:
    """Shortfalls of an (n, m) plan; a shortfall up to `TOLERANCE` of its guarantee counts as 0."""
    shown = impressions.sum(axis=1)
    clicked = problem.curves.clicks(impressions).sum(axis=1)
    missing = _above_rounding(problem.min_impressions - shown, problem.min_impressions)
    unclicked = _above_rounding(problem.min_clicks - clicked, problem.min_clicks)
    violation = missing.sum() + (unclicked * problem.impressions_per_click).sum()
    return Shortfalls(missing, unclicked, float(violation))


def counted(guaranteed: Floats) -> Floats:
    """Least amounts at which `shortfalls` counts the guarantees as met."""
    return guaranteed * (1.0 - TOLERANCE)


def spare(problem: DeliveryProblem, missed: float) -> float:
    """Impressions that plans may miss beyond the least violation `missed`.

    On a flat part of a curve, a thousandth of a click takes many impressions. Without this tolerance, plans would move
    impressions from elsewhere to gain it.
    """
    return max(SPARE * missed, SPARE_ROUNDING * rounding(problem))


def rounding(problem: DeliveryProblem) -> float:
    """Shortfall of all guarantees together, in impressions, that rounding may cause."""
    clicks = problem.min_clicks * problem.impressions_per_click
    return TOLERANCE * float(problem.min_impressions.sum() + clicks.sum())


def excess(problem: DeliveryProblem, impressions: Floats) -> dict[str, float]:
    """Relative excess of an (n, m) plan over each hard constraint, by name; 0 or less if the constraint holds.

    `positions` is the largest relative excess of a content over the cap of its rank in a drawer.
    """
    n, m = problem.shape
    ranked = -np.sort(-impressions, axis=0)
    caps = np.stack([problem.classes.rank_caps(j, n) for j in range(m)], axis=1)
    return {
        "negative": float(-impressions.min() / max(problem.total, 1.0)),
        "total": _part(impressions.sum(), problem.total),
        "drawers": _largest_part(impressions.sum(axis=0), problem.drawer_capacity),
        "positions": _largest_part(ranked, caps),
        "contents": _largest_part(impressions, problem.most),
    }


def is_feasible(problem: DeliveryProblem, impressions: Floats) -> bool:
    """Whether all hard constraints hold up to `TOLERANCE`; guarantees are not among them."""
    return max(excess(problem, impressions).values()) <= TOLERANCE


def within_capacities(problem: DeliveryProblem, impressions: Floats) -> Floats:
    """The (n, m) plan scaled down to the capacities of drawers and to the total, where it exceeds them."""
    x = impressions * np.minimum(1.0, problem.drawer_capacity / np.maximum(impressions.sum(axis=0), 1e-300))
    scaled: Floats = x * min(1.0, problem.total / max(float(x.sum()), 1e-300))
    return scaled


def _above_rounding(missing: Floats, guaranteed: Floats) -> Floats:
    return np.where(missing > TOLERANCE * np.maximum(guaranteed, 1e-300), missing, 0.0)


def _part(used: float, limit: float) -> float:
    return float((used - limit) / max(limit, 1.0)) if np.isfinite(limit) else 0.0


def _largest_part(used: Floats, limit: Floats) -> float:
    finite = np.isfinite(limit)
    part = (used - limit) / np.maximum(np.where(finite, limit, 1.0), 1.0)
    return float(np.where(finite, part, 0.0).max())
