"""Repair of impressions to a near plan that keeps every capacity and misses as little as possible of the guarantees."""

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

# Cost of a missed impression, in moved impressions: more than any chain of moves that avoids the miss.
MISS_COST = 1e4
# Relative decrease of the violation below which a round counts as no progress.
MIN_PROGRESS = 1e-7
# Rounds along tangents of the clicks, and on a small day, whose programs are cheap.
MAX_ROUNDS, MAX_ROUNDS_SMALL = 6, 40
# Factor of the trust-region radius after a round without progress, and its least value, as a part of the caps.
SHRINK, MIN_RADIUS = 0.25, 1e-7


def repaired(problem: DeliveryProblem, impressions: Floats, caps: Floats, allowed_violation: float = 0.0) -> Floats:
    """An (n, m) plan within `caps` with a small violation beyond `allowed_violation`, and near `impressions`.

    One linear program is enough for guarantees of impressions. For guarantees of clicks, a linear program along the
    tangents of the curves is solved again and again, within a trust region. This starts from the first program's plan
    and from `impressions` scaled down to the capacities; the better result is returned.
    """
    start = np.clip(impressions, 0.0, caps)
    plans = [within_capacities(problem, start)]
    with suppress(UnsolvedProgramError):  # the scaled plan remains
        moved = _linear_repair(problem, start, caps, allowed_violation, 1.0)[0]
        violations = [shortfalls(problem, plan).violation for plan in (moved, start)]
        # If the start is a plan itself, `_follow_tangents` from it would begin with the same program.
        plans = [moved] if violations[0] < violations[1] and np.array_equal(plans[0], start) else [moved, *plans]
    if problem.min_clicks.any():
        plans = [_follow_tangents(problem, plan, caps, allowed_violation) for plan in plans]
    return min(plans, key=lambda plan: max(shortfalls(problem, plan).violation, allowed_violation))


def _follow_tangents(problem: DeliveryProblem, plan: Floats, caps: Floats, allowed_violation: float) -> Floats:
    """Lower the violation of a plan by linear programs in a trust region, which shrinks if the real violation stays."""
    missed, radius = shortfalls(problem, plan).violation, 1.0
    for _ in range((MAX_ROUNDS_SMALL if problem.is_small else MAX_ROUNDS) - 1):
        if missed <= allowed_violation or radius < MIN_RADIUS:
            break
        try:
            moved, predicted = _linear_repair(problem, plan, caps, allowed_violation, radius)
        except UnsolvedProgramError:
            break
        if predicted >= missed * (1.0 - MIN_PROGRESS):
            break
        violation = shortfalls(problem, moved).violation
        if violation < missed * (1.0 - MIN_PROGRESS):
            plan, missed = moved, violation
        else:
            radius *= SHRINK
    return plan


def _linear_repair(
    problem: DeliveryProblem, start: Floats, caps: Floats, allowed_violation: float, radius: float
) -> tuple[Floats, float]:
    """The plan by one linear program, which moves no pair by more than `radius` · cap, and its predicted violation."""
    n, m = problem.shape
    clicks, slope, _ = problem.curves.derivatives(start)
    pairs, (content, drawer) = np.arange(n * m), np.divmod(np.arange(n * m), m)
    impression_rows = np.flatnonzero(problem.min_impressions > 0)
    click_rows = np.flatnonzero(problem.min_clicks > 0)
    k = impression_rows.size + click_rows.size
    shown = start.sum(axis=1)
    matrix = stacked(
        matrix_of(np.ones(n * m), drawer, pairs, (m, n * m)),
        np.ones((1, n * m)),
        matrix_of(-np.ones(n * m), content, pairs, (n, n * m))[impression_rows],
        matrix_of(-slope.ravel(), content, pairs, (n, n * m))[click_rows],
    )
    remaining = [
        problem.drawer_capacity - start.sum(axis=0),
        [problem.total - start.sum()],
        shown[impression_rows] - problem.min_impressions[impression_rows],
        clicks.sum(axis=1)[click_rows] - problem.min_clicks[click_rows],
    ]
    amounts = np.concatenate([problem.min_impressions[impression_rows], problem.min_clicks[click_rows]])
    worth = np.concatenate([np.ones(impression_rows.size), problem.impressions_per_click[click_rows]])
    scale, unit = row_scale(matrix), max(float(caps.max(initial=0.0)), 1.0)
    slack = matrix_of(-amounts / unit, m + 1 + np.arange(k), np.arange(k), (m + 1 + k, k))
    moves = [np.minimum(caps - start, radius * caps), np.minimum(start, radius * caps)]  # the largest up, and down
    counted = amounts * worth / unit
    cost = [np.ones(2 * n * m), MISS_COST * counted]
    upper = [moves[0].ravel() / unit, moves[1].ravel() / unit, np.ones(k)]
    program, right = scaled_rows(beside(matrix, -matrix, slack), scale), np.concatenate(remaining) / scale / unit
    if allowed_violation > 0.0:  # one more column: the part of the violation that costs nothing
        free = np.concatenate([np.zeros(2 * n * m), -counted, [1.0]])
        program = stacked(beside(program, np.zeros((right.size, 1))), free[None])
        right = np.append(right, 0.0)
        cost, upper = [*cost, np.array([-MISS_COST])], [*upper, np.array([allowed_violation / unit])]
    found = solved(np.concatenate(cost), program, right, np.concatenate(upper))
    if found is None:
        raise UnsolvedProgramError("the repair's program has no solution, although the empty plan keeps all capacities")
    move = (found.x[: n * m] - found.x[n * m : 2 * n * m]).reshape(n, m) * unit
    return np.clip(start + move, 0.0, caps), float(found.x[2 * n * m : 2 * n * m + k] @ counted) * unit
