"""The frontier of views and even click rates: plans that no other plan beats in both (formulas §4.6, §6.8)."""

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
# At the plan with the most views, weight · variance runs from the first to the last of these parts of the views.
FIRST_PART, LAST_PART = 0.05, 50.0


@dataclass(frozen=True)
class FrontierPoint:
    """A plan of the frontier and its weight λ on -variance; inf for the objective of variance alone."""

    variance_weight: float
    plan: DeliveryPlan


def plan_frontier(problem: DeliveryProblem, points: int = POINTS) -> list[FrontierPoint]:
    """Plans from most views to least variance; all meet the guarantees as far as possible.

    Parameters
    ----------
    problem : DeliveryProblem
        The day.
    points : int
        Number of weights to try, >= 2, both ends included.

    Returns
    -------
    list of FrontierPoint
        By falling views and falling variance, without plans that another plan matches or beats in both.

    Raises
    ------
    InputError
        If points is below 2.

    Notes
    -----
    The climb for each weight starts from the plan of the weight before it. The weights are tried in rising and then in
    falling order, because the two orders reach different local maxima.
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
    """Plans by falling views and falling variance without dominated ones; of equal plans the first."""
    measured = [(measure(problem, x), (w, objective, x)) for w, objective, x in ends]
    kept: list[tuple[float, Objective, Floats]] = []
    least = np.inf
    for at, end in sorted(measured, key=lambda pair: (-pair[0].views, pair[0].variance)):
        if at.variance < least:
            kept.append(end)
            least = at.variance
    return kept
