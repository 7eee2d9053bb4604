"""Local search: improves a plan that meets its constraints step by step, until no step gains.

Each step maximises a separable quadratic model: the gradient of the whole objective, its curvature where it is concave,
and a damping. The damping falls after steps that gain about as much as the model predicts and rises after the others.
Steps stay within capacities and guarantees, so every plan on the way meets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.feasibility import shortfalls, within_capacities
from creatorpool.delivery.objective import Measures, Objective, measure
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats
from creatorpool.delivery.transport import step_within

STEPS = 200
# The search ends at a step whose predicted gain is a smaller part of the score.
MIN_GAIN = 1e-9
MIN_DAMPING, MAX_DAMPING = 1e-6, 1e9
# Impressions below this part of the cap become 0.
NEGLIGIBLE = 1e-9
# Part of a guarantee by which rounding may leave it unmet.
ROUNDING = 1e-8


@dataclass(frozen=True)
class Ascent:
    """Result of a local search."""

    impressions: Floats
    """(n, m)"""
    measures: Measures
    score: float
    steps: int


def climb(problem: DeliveryProblem, objective: Objective, start: Floats, caps: Floats, *, steps: int = STEPS) -> Ascent:
    """Climb from `start` to a local maximum of the objective.

    Parameters
    ----------
    problem, objective
        The day and what to maximise.
    start : (n, m) array
        A plan within `caps`. The climb does not increase its shortfalls.
    caps : (n, m) array
        Most impressions of each pair.
    steps : int
        Most steps.

    Notes
    -----
    If variance counts, contents without impressions in `start` stay without: they have no click rate to compare.
    """
    if not objective.is_separable:
        caps = np.where(start.sum(axis=1, keepdims=True) > 0, caps, 0.0)
    missing = shortfalls(problem, start)
    least = np.where(problem.min_impressions > 0, problem.min_impressions - missing.impressions, -np.inf)
    least_clicks = np.where(problem.min_clicks > 0, problem.min_clicks - missing.clicks, -np.inf)
    x, current = start, measure(problem, start)
    score = objective.score(current.views, current.variance)
    prices = [np.zeros(problem.shape[1]), np.zeros(1), np.zeros(problem.shape[0]), np.zeros(problem.shape[0])]
    damping, taken, was_refused = 1.0, 0, False
    while taken < steps:
        taken += 1
        gradient, curvature = _model(problem, objective, x, current)
        damped = curvature + damping * _stiffness(gradient, caps)
        clicks, tangent, _ = problem.curves.derivatives(x)
        least_tangent = least_clicks - clicks.sum(axis=1) + (tangent * x).sum(axis=1)
        moved, _ = step_within(
            x + gradient / damped, damped, caps, problem.drawer_capacity, problem.total, least, tangent, least_tangent,
            *prices,
        )  # fmt: skip
        moved = within_capacities(problem, _without_negligible(moved, caps))
        direction = moved - x
        predicted = float((gradient * direction - 0.5 * curvature * direction**2).sum())
        if not predicted > MIN_GAIN * max(abs(score), 1e-12):
            if damping <= 1e-3 or was_refused:  # longer steps were tried and did not gain as predicted
                break
            damping /= 10.0
            continue
        reached = measure(problem, moved)
        gained = objective.score(reached.views, reached.variance) - score
        if gained > 0.0 and _keeps_guarantees(problem, moved, least, least_clicks):
            x, current, score, was_refused = moved, reached, score + gained, False
            damping = max(damping / (5.0 if gained > 0.5 * predicted else 1.5), MIN_DAMPING)
            if gained <= MIN_GAIN * abs(score):
                break
        else:
            damping, was_refused = damping * 4.0, True
            if damping > MAX_DAMPING:
                break
    return Ascent(x, current, score, taken)


def _model(problem: DeliveryProblem, objective: Objective, x: Floats, at: Measures) -> tuple[Floats, Floats]:
    """(n, m) gradient of the score, and (n, m) curvature >= 0 of its concave part."""
    _, slope, curvature_of_clicks = problem.curves.derivatives(x)
    views = objective.views_weight * problem.views_per_click
    if objective.is_separable or not np.isfinite(at.overall_rate):
        return views * slope, np.maximum(-views * curvature_of_clicks, 0.0)
    shown = x.sum(axis=1)
    is_shown = shown > 0
    count = is_shown.sum()
    own = 1.0 / np.where(is_shown, shown, np.inf)[:, None]
    rate = np.where(is_shown, at.rates, at.overall_rate)[:, None]
    away = rate - at.overall_rate
    weight = 2.0 * objective.variance_slope(at.variance) / count
    # d variance = 2/n Σ (p - P) dp  -  2/n Σ (p - P) dP; dp = (f' - p) dx / X, dP = (f' - P) dx / ΣX
    rate_slope = (slope - rate) * own
    overall_slope = (slope - at.overall_rate) / x.sum()
    gradient = views * slope - weight * (away * rate_slope - away.sum() * overall_slope)
    worth = views - weight * (away * own - away.sum() / x.sum())
    spread = is_shown.sum() and (x.shape[1] * weight) * rate_slope**2
    return gradient, np.maximum(-worth * curvature_of_clicks, 0.0) + spread


def _stiffness(gradient: Floats, caps: Floats) -> Floats:
    """A curvature at which the unconstrained step is about a tenth of the cap."""
    typical = max(float(np.median(np.abs(gradient))), float(np.abs(gradient).max()) * 1e-3, 1e-12)
    return 10.0 * typical / np.maximum(caps, max(float(caps.max(initial=0.0)) * 1e-6, 1e-9))


def _without_negligible(x: Floats, caps: Floats) -> Floats:
    return np.where(x > NEGLIGIBLE * caps, x, 0.0)


def _keeps_guarantees(problem: DeliveryProblem, x: Floats, least: Floats, least_clicks: Floats) -> bool:
    kept = np.all(x.sum(axis=1) >= least - ROUNDING * problem.min_impressions)
    if kept and problem.min_clicks.any():
        kept = np.all(problem.curves.clicks(x).sum(axis=1) >= least_clicks - ROUNDING * problem.min_clicks)
    return bool(kept)
