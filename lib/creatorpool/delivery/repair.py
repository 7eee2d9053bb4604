"""Repair: the nearest plan that keeps every capacity and misses as little as possible of the guarantees."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from creatorpool.delivery.feasibility import shortfalls, within_capacities
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.programs import (
    UnsolvedProgramError,
    beside,
    matrix_of,
    row_scale,
    scaled_rows,
    solved,
    stacked,
)
from creatorpool.delivery.response import Floats

# Cost of a missed impression, in moved impressions: more than any chain of moves that would avoid it.
MISSED = 1e4
# Relative decrease of the shortfall that a turn must achieve.
PROGRESS = 1e-7
# Turns of linear programs with new tangents of clicks; more on a small day, whose programs cost little.
TURNS, SMALL_TURNS = 6, 40
# A turn without progress multiplies the reach, a part of the caps, by the first; the second is the least reach.
NARROWER, LEAST_REACH = 0.25, 1e-7


def repaired(problem: DeliveryProblem, impressions: Floats, caps: Floats) -> Floats:
    """An (n, m) plan near `impressions` and within `caps`: least shortfall first, least change second.

    Guarantees of impressions need one linear program. Guarantees of clicks use tangents of the curves, which are only
    approximate. So the repair starts from two plans, that program's and `impressions` scaled down to the capacities,
    and repeats the program with new tangents as long as the true shortfall falls. It returns the plan with the smaller
    shortfall, which may be above 0.
    """
    start = np.clip(impressions, 0.0, caps)
    ends = [within_capacities(problem, start)]
    with suppress(UnsolvedProgramError):  # the scaled plan remains
        ends.insert(0, _nearest_along_tangents(problem, start, caps, 1.0)[0])
    if problem.min_clicks.any():
        ends = [_followed_tangents(problem, plan, caps) for plan in ends]
    return min(ends, key=lambda plan: shortfalls(problem, plan).violation)


def _followed_tangents(problem: DeliveryProblem, plan: Floats, caps: Floats) -> Floats:
    """Reduce a plan's shortfall by moves within a reach, which narrows if the tangents predict badly."""
    missed, reach = shortfalls(problem, plan).violation, 1.0
    for _ in range((SMALL_TURNS if problem.is_small else TURNS) - 1):
        if missed == 0.0 or reach < LEAST_REACH:
            break
        try:
            moved, predicted = _nearest_along_tangents(problem, plan, caps, reach)
        except UnsolvedProgramError:
            break
        if predicted >= missed * (1.0 - PROGRESS):
            break
        left = shortfalls(problem, moved).violation
        if left < missed * (1.0 - PROGRESS):
            plan, missed = moved, left
        else:
            reach *= NARROWER
    return plan


def _nearest_along_tangents(
    problem: DeliveryProblem, start: Floats, caps: Floats, reach: float
) -> tuple[Floats, float]:
    """One linear program that moves each pair by at most `reach` of its cap; the plan, and its predicted shortfall."""
    n, m = problem.shape
    clicks, slope, _ = problem.curves.derivatives(start)
    pairs, (content, drawer) = np.arange(n * m), np.divmod(np.arange(n * m), m)
    guaranteed = np.flatnonzero(problem.min_impressions > 0)
    clicked = np.flatnonzero(problem.min_clicks > 0)
    k = guaranteed.size + clicked.size
    shown = start.sum(axis=1)
    matrix = stacked(
        matrix_of(np.ones(n * m), drawer, pairs, (m, n * m)),
        np.ones((1, n * m)),
        matrix_of(-np.ones(n * m), content, pairs, (n, n * m))[guaranteed],
        matrix_of(-slope.ravel(), content, pairs, (n, n * m))[clicked],
    )
    left = [
        problem.drawer_capacity - start.sum(axis=0),
        [problem.total - start.sum()],
        shown[guaranteed] - problem.min_impressions[guaranteed],
        clicks.sum(axis=1)[clicked] - problem.min_clicks[clicked],
    ]
    amounts = np.concatenate([problem.min_impressions[guaranteed], problem.min_clicks[clicked]])
    counted = np.concatenate([np.ones(guaranteed.size), problem.impressions_per_click[clicked]])
    scale, unit = row_scale(matrix), max(float(caps.max(initial=0.0)), 1.0)
    slack = matrix_of(-amounts / unit, m + 1 + np.arange(k), np.arange(k), (m + 1 + k, k))
    ends = [np.minimum(caps - start, reach * caps), np.minimum(start, reach * caps)]
    found = solved(
        np.concatenate([np.ones(2 * n * m), MISSED * amounts * counted / unit]),
        scaled_rows(beside(matrix, -matrix, slack), scale),
        np.concatenate(left) / scale / unit,
        np.concatenate([ends[0].ravel() / unit, ends[1].ravel() / unit, np.ones(k)]),
    )
    if found is None:
        raise UnsolvedProgramError("the repair's program has no answer, although the empty plan is feasible")
    move = (found.x[: n * m] - found.x[n * m : 2 * n * m]).reshape(n, m) * unit
    return np.clip(start + move, 0.0, caps), float(found.x[2 * n * m :] @ (amounts * counted))
