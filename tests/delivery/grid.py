"""Brute force: every plan of a small day on a grid of impressions, measured by the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from creatorpool.delivery import DeliveryProblem, Objective
from creatorpool.delivery.response import Floats, clicks_at

# A part of a guarantee that a grid plan may miss by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Grid:
    """(p, n, m) plans that keep capacities and the rule of positions, with their measures."""

    plans: Floats
    views: Floats
    variance: Floats
    missed: Floats
    """(p,) impressions missed; a missing click counts `impressions_per_click`"""

    def best(self, objective: Objective, allowance: float = 0.0) -> float:
        """The largest score of plans that miss at most `allowance`; -inf if there is none."""
        fits = self.missed <= allowance
        views, variance = objective.views_weight * self.views[fits], self.variance[fits]
        if objective.reciprocal:
            with np.errstate(divide="ignore"):
                scores = views + objective.variance_weight / variance
        else:
            scores = views - objective.variance_weight * variance
        return float(scores.max(initial=-np.inf))

    @property
    def least_missed(self) -> float:
        """The least violation of the guarantees on this grid."""
        return float(self.missed.min())


def grid_of(problem: DeliveryProblem, parts: int) -> Grid:
    """All feasible plans in which each pair takes one of `parts` equal steps from 0 to its most impressions."""
    found = [(plans, *grid_measures(problem, plans), grid_missed(problem, plans)) for plans in _layers(problem, parts)]
    return Grid(*(np.concatenate(values) for values in zip(*found, strict=True)))


def grid_measures(problem: DeliveryProblem, plans: Floats) -> tuple[Floats, Floats]:
    """(p,) views and variances, from the definitions."""
    clicks = clicks_at(problem.curves.parameters[:, None], plans)
    clicked, shown = clicks.sum(axis=2), plans.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = clicked / shown - (clicked.sum(axis=1) / shown.sum(axis=1))[:, None]
    count = (shown > 0).sum(axis=1)
    variance = np.where(shown > 0, away**2, 0.0).sum(axis=1) / np.maximum(count, 1)
    return (problem.views_per_click * clicks).sum(axis=(1, 2)), variance


def grid_missed(problem: DeliveryProblem, plans: Floats) -> Floats:
    """(p,) impressions missed, from the definitions."""
    shown = np.maximum(problem.min_impressions * (1.0 - ROUNDING) - plans.sum(axis=2), 0.0)
    clicks = clicks_at(problem.curves.parameters[:, None], plans).sum(axis=2)
    unclicked = np.maximum(problem.min_clicks * (1.0 - ROUNDING) - clicks, 0.0)
    return (shown + unclicked * problem.impressions_per_click).sum(axis=1)


def _layers(problem: DeliveryProblem, parts: int) -> Iterator[Floats]:
    """Feasible plans, one value of the first pair at a time, so that memory stays small."""
    first, *rest = [np.linspace(0.0, most, parts) for most in problem.most.ravel()]
    others = np.stack(np.meshgrid(*rest, indexing="ij"), axis=-1).reshape(-1, len(rest)) if rest else np.zeros((1, 0))
    for amount in first:
        plans = np.column_stack([np.full(len(others), amount), others]).reshape(-1, *problem.shape)
        yield plans[_keeps_capacities(problem, plans)]


def _keeps_capacities(problem: DeliveryProblem, plans: Floats) -> np.ndarray:
    fits = (plans.sum(axis=1) <= problem.drawer_capacity).all(axis=1) & (plans.sum(axis=(1, 2)) <= problem.total)
    for j, capacity in enumerate(problem.positions):
        for k, size in enumerate(np.sort(capacity)[::-1], start=1):
            fits &= (plans[:, :, j] >= size).sum(axis=1) <= k
    return np.asarray(fits)
