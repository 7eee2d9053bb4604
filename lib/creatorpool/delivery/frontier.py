"""The frontier of views and even click rates: plans of which none is better in both (formulas §4.6, §6.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.ascent import Ascent
from creatorpool.delivery.objective import Objective, least_variance, measure, most_views, weighted
from creatorpool.delivery.plan import (
    DeliveryPlan,
    best_climb,
    plan_for_objective,
    plan_of,
    prepare_problem,
    starting_plans,
)
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats
from creatorpool.errors import InputError

POINTS = 9
# Weights on variance run from where it costs this part of the views to the inverse, at the plan of most views.
FIRST_PART, LAST_PART = 0.05, 50.0


@dataclass(frozen=True)
class FrontierPoint:
    """One plan of the frontier and the weight λ on -variance for which it was found; inf for variance alone."""

    variance_weight: float
    plan: DeliveryPlan


def plan_frontier(problem: DeliveryProblem, points: int = POINTS) -> list[FrontierPoint]:
    """Plans from most views to least variance, all of which meet the guarantees as far as any does.

    Each weight is climbed from the plans of the weights before it, up and then down again: either way follows other
    basins. A plan that another one matches in views and in variance is left out.

    Parameters
    ----------
    points : int
        Weights to try, >= 2, the two ends among them.
    """
    if points < 2:
        raise InputError(f"points must be at least 2, got {points}")
    prepared = prepare_problem(problem)
    first = plan_for_objective(prepared, most_views())
    found = [FrontierPoint(0.0, first)]
    if first.measures.variance == 0.0:
        return found
    unit = first.measures.views / first.measures.variance
    weights = [float(w) for w in unit * np.geomspace(FIRST_PART, LAST_PART, points - 2)]
    objectives = [weighted(w) for w in weights] + [least_variance()]
    reached: list[Ascent | None] = [None] * len(objectives)
    for turn in (range(len(objectives)), range(len(objectives) - 1, -1, -1)):
        near = first.impressions
        for at in turn:
            known = reached[at]
            more = starting_plans(prepared, objectives[at]) if known is None else [known.impressions]
            end = best_climb(problem, objectives[at], [*more, near])
            reached[at] = end if known is None or end.score > known.score else known
            near = (reached[at] or end).impressions
    ends = [(0.0, most_views(), first.impressions)]
    ends += [
        (weight, objective, end.impressions)
        for weight, objective, end in zip([*weights, np.inf], objectives, reached, strict=True)
        if end is not None
    ]
    return [FrontierPoint(w, plan_of(prepared, objective, x)) for w, objective, x in _undominated(problem, ends)]


def _undominated(
    problem: DeliveryProblem, ends: list[tuple[float, Objective, Floats]]
) -> list[tuple[float, Objective, Floats]]:
    """By falling views and falling variance; of equal plans the first."""
    measured = [(measure(problem, x), (w, objective, x)) for w, objective, x in ends]
    kept: list[tuple[float, Objective, Floats]] = []
    least = np.inf
    for at, end in sorted(measured, key=lambda pair: (-pair[0].views, pair[0].variance)):
        if at.variance < least:
            kept.append(end)
            least = at.variance
    return kept
