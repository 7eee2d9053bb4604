"""Upper bound on the score if variance counts: each content's largest value at each click rate (formulas §4.5).

Variance couples all contents through the overall rate c. If c lies in a small cell, a content whose own rate lies in
another cell costs at least λ/n times the squared distance of the cells. At prices of the shared constraints, a dual per
content bounds its value there: a multiplier h keeps clicks / impressions inside the cell, and for given h the drawers
separate and have a closed form. The largest sum over the cells of c bounds every plan.
"""

from __future__ import annotations

import numpy as np

from creatorpool.delivery.columns import Prices
from creatorpool.delivery.envelope import best_points
from creatorpool.delivery.feasibility import counted
from creatorpool.delivery.objective import Objective
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import Floats, Integers, clicks_at
from creatorpool.numerics.compiled import compiled_in_memory

# Cells of the rate: CELL_PAIRS over the number of pairs, within these limits.
MAX_CELLS, MIN_CELLS, CELL_PAIRS = 96, 48, 300_000
# If even rates cost views, the prices for views alone are too high: these parts of them are tried.
PRICE_PARTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
# Multipliers of a cell, as parts of the largest value of a click; then reductions of the interval around the best.
FIRST_MULTIPLIERS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0, 4.0, 10.0)
REFINEMENTS = 8
# Cells of impressions on which the range of a rate is bounded.
RATE_CELLS = 400


def score_bound(
    problem: DeliveryProblem, objective: Objective, views_bound: float, prices: Prices, allowance: float | None
) -> float:
    """Upper bound on the score, by `objective`, of every plan that meets the guarantees or misses at most `allowance`.

    Parameters
    ----------
    views_bound : float
        Upper bound on the views of every such plan.
    prices : Prices
        Prices of the shared constraints. Any prices give a valid bound.
    allowance : float or None
        Impressions that guarantees may miss together; None if they may miss none.
    """
    if objective.reciprocal and objective.variance_weight > 0:
        least = -score_bound(problem, Objective(0.0, 1.0), views_bound, prices, allowance)
        views = objective.views_weight * views_bound
        return views + objective.variance_weight / least if least > 0 else np.inf
    simple = objective.views_weight * views_bound
    if objective.is_separable:
        return simple
    edges = _edges(problem)
    low, high = _rate_range(problem, allowance is None)
    possible = (edges[None, :-1] <= high[:, None]) & (edges[None, 1:] >= low[:, None])
    n = problem.shape[0]
    distance = np.maximum(0.0, np.maximum(edges[None, :-1] - edges[1:, None], edges[:-1, None] - edges[None, 1:]))
    penalty = objective.variance_weight / n * distance**2  # (content's cell, cell of the overall rate)
    must_show = (problem.min_impressions > 0) | (problem.min_clicks > 0)
    if allowance is not None:  # a plan may miss a whole guarantee
        must_show = np.zeros(n, dtype=bool)
    bounds = np.full(edges.size - 1, np.inf)
    for part in PRICE_PARTS if objective.views_weight > 0 else (0.0,):
        worth, shared = _worth_by_cell(problem, objective.views_weight, prices, allowance, part, edges, possible)
        own = np.full((n, edges.size - 1), -np.inf)
        for k in range(edges.size - 1):
            np.maximum(own, worth[:, k, None] - penalty[k], out=own)
        own = np.where(must_show[:, None], own, np.maximum(own, 0.0))
        bounds = np.minimum(bounds, own.sum(axis=0) + shared)
    return float(min(simple, bounds.max()))


def _edges(problem: DeliveryProblem) -> Floats:
    """Edges of the cells of rates, from 0 to the largest rate and inf."""
    cells = int(np.clip(CELL_PAIRS // problem.most.size, MIN_CELLS, MAX_CELLS))
    top = max(float(problem.curves.largest_rate(problem.most).max()), 1e-12)
    return np.append(np.linspace(0.0, top, cells), np.inf)


def _rate_range(problem: DeliveryProblem, guaranteed: bool) -> tuple[Floats, Floats]:
    """(n,) lower and (n,) upper bound of each content's click rate.

    Clicks rise with impressions. So between two points, the rate lies between the clicks at the first over the
    impressions at the second, and the reverse. A content's rate is a mean of its rates in the drawers. With one drawer,
    the guarantee is a lower bound of the impressions.
    """
    known = problem.curves.known & (problem.most > 0)
    start = np.where(known, np.minimum(problem.curves.first_corner, problem.most), 1.0)
    if problem.shape[1] == 1 and guaranteed:
        start = np.maximum(
            start, np.minimum(counted(problem.min_impressions)[:, None], np.where(known, problem.most, 1.0))
        )
    end = np.where(known, problem.most, 1.0)
    steps = np.linspace(0.0, 1.0, RATE_CELLS + 1)[:, None, None]
    points = start * (end / start) ** steps
    clicks = clicks_at(problem.curves.parameters[:, None], points)
    at_start = (clicks[0] / points[0])[None]
    low = np.concatenate([clicks[:-1] / points[1:], at_start]).min(axis=0)
    high = np.concatenate([clicks[1:] / points[:-1], at_start]).max(axis=0)
    return np.where(known, low, np.inf).min(axis=1), np.where(known, high, -np.inf).max(axis=1)


def _worth_by_cell(
    problem: DeliveryProblem,
    views_weight: float,
    prices: Prices,
    allowance: float | None,
    part: float,
    edges: Floats,
    possible: np.ndarray,
) -> tuple[Floats, float]:
    """(n, cells) bound on each content's value at a rate in each cell, and the value of the limits at the prices."""
    n, m = problem.shape
    weight = views_weight * problem.views_per_click + part * prices.clicks[:, None]
    price, above = (part * costs for costs in prices.costs())
    shared = part * prices.value_of_plan_limits(problem, allowance)
    worth = _cell_worth(
        problem.curves.parameters.reshape(5, n * m), np.arange(m), weight, price, problem.most, problem.classes.caps,
        above, edges, possible, np.asarray(FIRST_MULTIPLIERS) * max(float(weight.max()), 1.0),
    )  # fmt: skip
    return worth, shared


@compiled_in_memory
def _content_worth(
    parameters: Floats, drawers: Integers, weight: Floats, price: Floats, most: Floats, caps: Floats, above: Floats,
    rate: float, h: float,
) -> float:  # pragma: no cover - compiled  # fmt: skip
    values, _ = best_points(parameters, drawers, weight - h, price - h * rate, np.zeros(most.size), most, caps, above)
    return float(values.sum())


@compiled_in_memory
def _cell_worth(
    parameters: Floats, drawers: Integers, weight: Floats, price: Floats, most: Floats, caps: Floats, above: Floats,
    edges: Floats, possible: np.ndarray, multipliers: Floats,
) -> Floats:  # pragma: no cover - compiled  # fmt: skip
    n, m = weight.shape
    worth = np.full((n, edges.size - 1), -np.inf)
    for i in range(n):
        own = np.ascontiguousarray(parameters[:, i * m : (i + 1) * m])
        free = _content_worth(own, drawers, weight[i], price[i], most[i], caps, above, 0.0, 0.0)
        for k in range(edges.size - 1):
            if not possible[i, k]:
                continue
            best = free
            for sign in (1.0, -1.0):
                # h > 0 keeps the rate below the upper edge, h < 0 above the lower one.
                rate = edges[k + 1] if sign > 0.0 else edges[k]
                if rate == np.inf:
                    continue
                at, low, high = -1, 0.0, multipliers[0]
                for t in range(multipliers.size):
                    value = _content_worth(
                        own, drawers, weight[i], price[i], most[i], caps, above, rate, sign * multipliers[t]
                    )
                    if value >= best:
                        break
                    best, at = value, t
                if at < 0:
                    continue
                low = multipliers[at - 1] if at > 0 else 0.0
                high = multipliers[min(at + 1, multipliers.size - 1)]
                for _ in range(REFINEMENTS):
                    first, second = low + 0.382 * (high - low), low + 0.618 * (high - low)
                    one = _content_worth(own, drawers, weight[i], price[i], most[i], caps, above, rate, sign * first)
                    two = _content_worth(own, drawers, weight[i], price[i], most[i], caps, above, rate, sign * second)
                    best = min(best, min(one, two))
                    if one < two:
                        high = second
                    else:
                        low = first
            worth[i, k] = best
    return worth
