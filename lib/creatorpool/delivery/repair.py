"""The nearest plan that keeps every capacity and misses as little as possible of the guarantees."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from creatorpool.delivery.feasibility import shortfalls
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats

# An impression missed costs as much as this many moved: far more than any chain of moves that would avoid it.
MISSED = 1e4
# Turns in which the tangents of clicks follow the plan.
TURNS = 6


def repaired(problem: DeliveryProblem, impressions: Floats, caps: Floats) -> Floats:
    """The (n, m) plan nearest to `impressions` within `caps`, least missing first, least moved second.

    Guarantees of clicks are taken along tangents, a few times; what is then still missing stays missing.
    """
    plan = np.clip(impressions, 0.0, caps)
    best, least = plan, np.inf
    for _ in range(TURNS if problem.min_clicks.any() else 1):
        plan = _moved(problem, plan, caps)
        missed = shortfalls(problem, plan).violation
        if missed < least:
            best, least = plan, missed
        if missed == 0.0:
            break
    return best


def _moved(problem: DeliveryProblem, start: Floats, caps: Floats) -> Floats:
    n, m = problem.shape
    clicks, slope, _ = problem.curves.derivatives(start)
    content, drawer = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    promised = np.flatnonzero(problem.min_impressions > 0)
    clicked = np.flatnonzero(problem.min_clicks > 0)
    use = [
        csr_array((np.ones(n * m), (drawer, np.arange(n * m))), shape=(m, n * m)),
        csr_array(np.ones((1, n * m))),
        csr_array((-np.ones(n * m), (content, np.arange(n * m))), shape=(n, n * m))[promised],
        csr_array((-slope.ravel(), (content, np.arange(n * m))), shape=(n, n * m))[clicked],
    ]
    shown = start.sum(axis=1)
    left = [
        problem.drawer_capacity - start.sum(axis=0),
        [problem.total - start.sum()],
        shown[promised] - problem.min_impressions[promised],
        clicks.sum(axis=1)[clicked] - problem.min_clicks[clicked],
    ]
    missing = [np.zeros(m + 1), -problem.min_impressions[promised], -problem.min_clicks[clicked]]
    cost = [
        problem.min_impressions[promised],
        problem.min_clicks[clicked] * problem.impressions_per_click[clicked],
    ]
    k = promised.size + clicked.size
    slack = csr_array((np.concatenate(missing)[m + 1 :], (m + 1 + np.arange(k), np.arange(k))), shape=(m + 1 + k, k))
    matrix = csr_array(vstack(use))
    scale = np.maximum(abs(matrix).max(axis=1).todense().ravel(), 1e-9)
    unit = max(float(caps.max(initial=0.0)), 1.0)
    by = (1.0 / scale)[:, None]
    found = linprog(
        np.concatenate([np.full(2 * n * m, 1.0), MISSED * np.concatenate(cost) / unit]),
        A_ub=csr_array(hstack([matrix * by, matrix * -by, slack * by * (1.0 / unit)])),
        b_ub=np.concatenate(left) / scale / unit,
        bounds=np.stack(
            [
                np.zeros(2 * n * m + k),
                np.concatenate([(caps - start).ravel() / unit, start.ravel() / unit, np.ones(k)]),
            ],
            axis=1,
        ),
        method="highs-ds",
    )
    if found.status != 0:
        raise ArithmeticError(f"the linear program that repairs a plan stopped: {found.message}")
    move = (found.x[: n * m] - found.x[n * m : 2 * n * m]).reshape(n, m) * unit
    plan: Floats = np.clip(start + move, 0.0, caps)
    return plan
