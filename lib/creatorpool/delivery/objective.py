"""Objectives of a plan: views, even click rates, or both (formulas §4.4, §6.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats
from creatorpool.errors import InputError


@dataclass(frozen=True)
class Objective:
    """``a · views - λ · variance``, or the published ``a · views + λ / variance``; four functions below make it.

    Raises
    ------
    InputError
        If a weight is not finite and >= 0.
    """

    views_weight: float
    variance_weight: float
    reciprocal: bool = False

    def __post_init__(self) -> None:
        for name in ("views_weight", "variance_weight"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and >= 0, got {value}")

    @property
    def is_separable(self) -> bool:
        """Whether variance does not count, so that the objective is a sum over contents and drawers."""
        return self.variance_weight == 0.0

    def score(self, views: float, variance: float) -> float:
        """Value of the objective, in views; larger is better. inf for the published form at variance 0."""
        if self.reciprocal and self.variance_weight > 0:
            return self.views_weight * views + (self.variance_weight / variance if variance > 0 else np.inf)
        return self.views_weight * views - self.variance_weight * variance

    def variance_slope(self, variance: float) -> float:
        """-d score / d variance: the weight on -variance with the same gradient at this variance."""
        if not self.reciprocal:
            return self.variance_weight
        return self.variance_weight / max(variance, np.finfo(float).tiny ** 0.25) ** 2


def most_views() -> Objective:
    """Expected views alone."""
    return Objective(1.0, 0.0)


def least_variance() -> Objective:
    """Even click rates alone; the best plan may show nothing beyond the guarantees."""
    return Objective(0.0, 1.0)


def weighted(variance_weight: float) -> Objective:
    """Views minus λ times the variance; λ >= 0, in views."""
    return Objective(1.0, variance_weight)


def published(variance_weight: float) -> Objective:
    """Views plus λ over the variance, as published; unbounded if all rates can be equal (formulas §6.8)."""
    return Objective(1.0, variance_weight, reciprocal=True)


class Measures(NamedTuple):
    """Figures of an (n, m) plan."""

    views: float
    """Σ ρ f(x), expected views"""
    variance: float
    """mean squared distance of the contents' click rates from the overall rate, over contents with impressions"""
    overall_rate: float
    """all clicks / all impressions; nan without impressions"""
    rates: Floats
    """(n,) clicks / impressions of each content; nan without impressions"""


def measure(problem: DeliveryProblem, impressions: Floats) -> Measures:
    """Views, variance and click rates of an (n, m) plan."""
    clicks = problem.curves.clicks(impressions)
    views = float((problem.views_per_click * clicks).sum())
    shown, clicked = impressions.sum(axis=1), clicks.sum(axis=1)
    is_shown = shown > 0
    rates = np.where(is_shown, clicked / np.where(is_shown, shown, 1.0), np.nan)
    if not is_shown.any():
        return Measures(views, 0.0, float("nan"), rates)
    overall = float(clicked.sum() / shown.sum())
    return Measures(views, float(np.mean((rates[is_shown] - overall) ** 2)), overall, rates)
