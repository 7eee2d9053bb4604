"""The nearest plan that keeps every capacity and misses as little as possible of the guarantees."""

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

# An impression missed costs as much as this many moved: far more than any chain of moves that would avoid it.
MISSED = 1e4
# Part of what is missed by which a turn must lower it.
PROGRESS = 1e-7
# Turns in which the tangents of clicks follow the plan, and those of a small day, whose programs cost little.
TURNS, SMALL_TURNS = 6, 40
# A turn that brings nothing leaves the next this part of its reach; the least reach, a part of the caps, is the second.
NARROWER, LEAST_REACH = 0.25, 1e-7


def repaired(problem: DeliveryProblem, impressions: Floats, caps: Floats, missable: float = 0.0) -> Floats:
    """An (n, m) plan near `impressions` within `caps`, least missing beyond `missable` first, least moved second.

    Guarantees of impressions take one linear program. Those of clicks are taken along tangents, which may mislead: the
    plan is followed both from that program's and from what capacities leave of `impressions`, by moves that go only as
    far as less is missing truly; what is then still missing stays missing.
    """
    start = np.clip(impressions, 0.0, caps)
    ends = [within_capacities(problem, start)]
    with suppress(UnsolvedProgramError):  # what capacities leave is a plan, too
        moved = _moved(problem, start, caps, missable, 1.0)[0]
        missed = [shortfalls(problem, plan).violation for plan in (moved, start)]
        # From a start that is a plan itself, this is the first of the moves that follow it.
        ends = [moved] if missed[0] < missed[1] and np.array_equal(ends[0], start) else [moved, *ends]
    if problem.min_clicks.any():
        ends = [_followed(problem, plan, caps, missable) for plan in ends]
    return min(ends, key=lambda plan: max(shortfalls(problem, plan).violation, missable))


def _followed(problem: DeliveryProblem, plan: Floats, caps: Floats, missable: float) -> Floats:
    """From a plan to ones that miss less, by moves within a reach that narrows where tangents mislead."""
    missed, reach = shortfalls(problem, plan).violation, 1.0
    for _ in range((SMALL_TURNS if problem.is_small else TURNS) - 1):
        if missed <= missable or reach < LEAST_REACH:
            break
        try:
            moved, promised = _moved(problem, plan, caps, missable, reach)
        except UnsolvedProgramError:
            break
        if promised >= missed * (1.0 - PROGRESS):
            break
        left = shortfalls(problem, moved).violation
        if left < missed * (1.0 - PROGRESS):
            plan, missed = moved, left
        else:
            reach *= NARROWER
    return plan


def _moved(
    problem: DeliveryProblem, start: Floats, caps: Floats, missable: float, reach: float
) -> tuple[Floats, float]:
    """By one linear program, no pair by more than `reach` of its cap; with what is then missing along the tangents."""
    n, m = problem.shape
    clicks, slope, _ = problem.curves.derivatives(start)
    pairs, (content, drawer) = np.arange(n * m), np.divmod(np.arange(n * m), m)
    promised = np.flatnonzero(problem.min_impressions > 0)
    clicked = np.flatnonzero(problem.min_clicks > 0)
    k = promised.size + clicked.size
    shown = start.sum(axis=1)
    matrix = stacked(
        matrix_of(np.ones(n * m), drawer, pairs, (m, n * m)),
        np.ones((1, n * m)),
        matrix_of(-np.ones(n * m), content, pairs, (n, n * m))[promised],
        matrix_of(-slope.ravel(), content, pairs, (n, n * m))[clicked],
    )
    left = [
        problem.drawer_capacity - start.sum(axis=0),
        [problem.total - start.sum()],
        shown[promised] - problem.min_impressions[promised],
        clicks.sum(axis=1)[clicked] - problem.min_clicks[clicked],
    ]
    amounts = np.concatenate([problem.min_impressions[promised], problem.min_clicks[clicked]])
    worth = np.concatenate([np.ones(promised.size), problem.impressions_per_click[clicked]])
    scale, unit = row_scale(matrix), max(float(caps.max(initial=0.0)), 1.0)
    slack = matrix_of(-amounts / unit, m + 1 + np.arange(k), np.arange(k), (m + 1 + k, k))
    ends = [np.minimum(caps - start, reach * caps), np.minimum(start, reach * caps)]
    counted = amounts * worth / unit
    cost, upper = [np.ones(2 * n * m), MISSED * counted], [ends[0].ravel() / unit, ends[1].ravel() / unit, np.ones(k)]
    program, right = scaled_rows(beside(matrix, -matrix, slack), scale), np.concatenate(left) / scale / unit
    if missable > 0.0:  # one more column: of what is missed, the part that costs nothing
        free = np.concatenate([np.zeros(2 * n * m), -counted, [1.0]])
        program = stacked(beside(program, np.zeros((right.size, 1))), free[None])
        right = np.append(right, 0.0)
        cost, upper = [*cost, np.array([-MISSED])], [*upper, np.array([missable / unit])]
    found = solved(np.concatenate(cost), program, right, np.concatenate(upper))
    if found is None:
        raise UnsolvedProgramError("a plan of nothing keeps all capacities, yet the repair's program has no answer")
    move = (found.x[: n * m] - found.x[n * m : 2 * n * m]).reshape(n, m) * unit
    return np.clip(start + move, 0.0, caps), float(found.x[2 * n * m : 2 * n * m + k] @ counted) * unit
