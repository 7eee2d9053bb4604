"""The plan of a day: guarantees first, then the objective, with an upper bound on the score of every plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creatorpool.delivery.ascent import Ascent, climb
from creatorpool.delivery.branch import Search, SearchResult
from creatorpool.delivery.columns import Box, Columns, Prices
from creatorpool.delivery.evenness import score_bound
from creatorpool.delivery.feasibility import Shortfalls, rounding, shortfalls, spare
from creatorpool.delivery.grid_search import grid_starts
from creatorpool.delivery.objective import Measures, Objective, measure, most_views
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.relaxation import Relaxation, relax
from creatorpool.delivery.repair import repaired
from creatorpool.delivery.response import Floats, clicks_at

# Limits of a search: pairs of content and drawer, summed over its nodes, and nodes.
NODE_PAIRS = 5_000
MAX_NODES = 200
# If rounding leaves no mixture within an allowance, it grows by this part, then by four times as much, and so on.
EXTRA_ALLOWANCE = 1e-7
# Starts for even rates: grid points of each pair, quantiles of the current rates, parts of the prices. A day with more
# than LARGE_DAY_PAIRS pairs gets fewer.
START_POINTS = 48
START_RATES = (0.2, 0.5, 0.8)
START_PRICES = (0.5, 0.0)
LARGE_DAY_PAIRS = 1_000
# A constraint is binding if the plan is within this part of its limit.
BINDING_TOLERANCE = 1e-6


@dataclass(frozen=True)
class DeliveryPlan:
    """Impressions of n contents in m drawers, with the evidence."""

    impressions: Floats
    """(n, m)"""
    clicks: Floats
    """(n, m) expected"""
    views: Floats
    """(n, m) expected"""
    measures: Measures
    objective: Objective
    score: float
    """the objective's value; larger is better"""
    bound: float
    """upper bound on the score of every plan that misses no more of the guarantees; inf if none is known"""
    missing: Shortfalls
    """shortfalls of the guarantees, by content"""
    least_missing: float
    """proven lower bound on the impressions that every plan misses; above 0, the capacities rule out the guarantees"""
    binding: NDArray[np.str_]
    """(n, m) binding constraint: 'position', 'guarantee', 'drawer', 'total', 'none'; 'not shown' at 0 impressions"""
    prices: Prices
    """multipliers of the shared constraints in the bound on views"""
    nodes: int
    """number of boxes that branch and bound split"""

    @property
    def gap(self) -> float:
        """Distance of the score from the bound, relative to the larger of the two; inf if there is no bound."""
        if self.bound == self.score:
            return 0.0
        if not np.isfinite(self.bound):
            return float("inf")
        return (self.bound - self.score) / max(abs(self.bound), abs(self.score))

    @property
    def guarantees_met(self) -> bool:
        """Whether every guarantee is met."""
        return self.missing.met


@dataclass(frozen=True)
class PreparedProblem:
    """What plans for all objectives of a day share: the allowance, the bound on views, and plans with many views."""

    problem: DeliveryProblem
    root: Relaxation
    views_bound: float
    allowance: float | None
    least_missing: float
    plans: list[Floats]
    """plans within `allowed_violation`; the last has the most views"""
    allowed_violation: float
    """impressions that a plan may miss: as many as the plan with the most views, up to rounding"""
    nodes: int


def plan_delivery(problem: DeliveryProblem, objective: Objective | None = None) -> DeliveryPlan:
    """Plan a day's impressions (formulas §4.4).

    Among the plans that miss the fewest guaranteed impressions, the result is the best found by `objective` (most views
    by default). Capacities, the total and the rule of positions always hold.

    Notes
    -----
    The curves are S-shaped, so the problem is not concave: the plan is the best one found, and `bound` is an upper
    bound on all plans. It comes from `relax` and branch and bound, or from `score_bound` if variance counts. The same
    arrays give the same plan.
    """
    return plan_for_objective(prepare_problem(problem), most_views() if objective is None else objective)


def prepare_problem(problem: DeliveryProblem) -> PreparedProblem:
    """Find how far the guarantees can be met, then the plan with the most views."""
    value = problem.views_per_click
    box = Box(np.zeros(problem.shape), problem.most)
    nodes = min(MAX_NODES, NODE_PAIRS // value.size)
    root, allowance, least, split_nodes = relax(problem, value, box), None, 0.0, 0
    search = Search(problem, value, None)
    if root is not None:
        search.begin(root, box)
    if root is None or not search.has_plan:
        # No known plan meets the guarantees: first find the least violation of any plan.
        least_violating, least = _least_missing(problem, box, nodes, search.plans)
        split_nodes = least_violating.nodes
        if root is None or least_violating.violation > 0.0:
            root, allowance = _relaxation_with_allowance(problem, value, box, least_violating)
        search = Search(problem, value, allowance, [least_violating.impressions, *search.plans])
        search.begin(root, box)
    found = search.branch(root, box, nodes)
    allowed_violation = max(
        found.violation, min(search.max_violation, found.violation + 0.5 * spare(problem, found.violation))
    )
    # The first plans of a search may miss more than the best one.
    plans = [*_within_violation(problem, search.plans[:-1], allowed_violation)[-2:], found.impressions]
    split_nodes += found.nodes
    return PreparedProblem(problem, root, found.bound, allowance, least, plans, allowed_violation, split_nodes)


def plan_for_objective(prepared: PreparedProblem, objective: Objective) -> DeliveryPlan:
    """The best plan by `objective` that a climb reaches from one of the `starting_plans`."""
    if objective.is_separable and objective.views_weight > 0:
        return plan_of(prepared, objective, prepared.plans[-1])
    best = best_climb(prepared.problem, objective, starting_plans(prepared, objective))
    return plan_of(prepared, objective, best.impressions)


def starting_plans(prepared: PreparedProblem, objective: Objective) -> list[Floats]:
    """Starts of climbs if variance counts: plans with many views, with even rates and, on small days, grid plans."""
    problem, more = prepared.problem, even_starts(prepared, objective)
    if problem.is_small:
        more += grid_starts(problem, objective, prepared.allowed_violation, [*prepared.plans, *more])
    return [*prepared.plans, *_within_violation(problem, more, prepared.allowed_violation)]


def _within_violation(problem: DeliveryProblem, plans: Sequence[Floats], allowed_violation: float) -> list[Floats]:
    return [plan for plan in plans if shortfalls(problem, plan).violation <= allowed_violation]


def best_climb(problem: DeliveryProblem, objective: Objective, starts: Sequence[Floats]) -> Ascent:
    """The best result of climbs from the (n, m) `starts`, of which there is at least one; ties go to the first."""
    climbs = [climb(problem, objective, x, problem.classes.content_caps(x, problem.most)) for x in starts]
    return max(climbs, key=lambda reached: reached.score)


def even_starts(prepared: PreparedProblem, objective: Objective) -> list[Floats]:
    """Plans whose contents have click rates near one rate, for several rates and prices of impressions.

    Each pair takes its best grid point at the prices, with a penalty on the distance from the rate. Then the whole is
    repaired to a plan.
    """
    problem, prices = prepared.problem, prepared.root.prices
    n, m = problem.shape
    grid = np.linspace(0.0, 1.0, START_POINTS + 1)[1:, None, None] * problem.most
    clicks = clicks_at(problem.curves.parameters[:, None], grid)
    rates = np.where(grid > 0, clicks / np.maximum(grid, 1e-300), 0.0)
    best = prepared.plans[-1]
    now = measure(problem, best)
    variance_slope = objective.variance_slope(now.variance) / (n * m)
    price = np.maximum(prices.total + prices.drawer[None, :] - prices.impressions[:, None], 0.0)
    rated = now.rates[~np.isnan(now.rates)]
    few = problem.most.size > LARGE_DAY_PAIRS
    plans = []
    for quantile in START_RATES[:2] if few or not rated.size else START_RATES:
        for part in START_PRICES[:1] if few else START_PRICES:
            rate = float(np.quantile(rated, quantile)) if rated.size else 0.0
            worth = objective.views_weight * (problem.views_per_click * clicks - part * price * grid)
            at = (worth - variance_slope * (rates - rate) ** 2).argmax(axis=0)
            target = np.take_along_axis(grid, at[None], axis=0)[0]
            caps = problem.classes.content_caps(target, problem.most)
            plans.append(repaired(problem, target, caps, prepared.allowed_violation))
    return plans


def _least_missing(
    problem: DeliveryProblem, box: Box, nodes: int, starts: Sequence[Floats]
) -> tuple[SearchResult, float]:
    """The plan found with the least violation, and a lower bound on the impressions that every plan misses."""
    root = relax(problem, None, box)
    if root is None:
        raise ArithmeticError("the relaxation without guarantees has no solution, although the empty plan is one")
    search = Search(problem, None, None, starts)
    search.begin(root, box)
    found = search.branch(root, box, nodes)
    return found, -found.bound if -found.bound > rounding(problem) else 0.0


def _relaxation_with_allowance(
    problem: DeliveryProblem, value: Floats, box: Box, least_violating: SearchResult
) -> tuple[Relaxation, float]:
    """The relaxation for plans that miss no more than `least_violating`, and its allowance, raised if needed."""
    allowance = least_violating.violation + spare(problem, least_violating.violation)
    more = EXTRA_ALLOWANCE * (allowance + 1.0)
    columns = Columns.first(box).joined(Columns.of(least_violating.impressions))
    while (root := relax(problem, value, box, columns=columns, allowance=allowance)) is None:
        allowance, more = allowance + more, 4.0 * more
    return root, allowance


def plan_of(prepared: PreparedProblem, objective: Objective, impressions: Floats) -> DeliveryPlan:
    """The plan with its measures, bound, shortfalls and binding constraints."""
    problem = prepared.problem
    bound = score_bound(problem, objective, prepared.views_bound, prepared.root.prices, prepared.allowance)
    clicks, measures = problem.curves.clicks(impressions), measure(problem, impressions)
    score = objective.score(measures.views, measures.variance)
    return DeliveryPlan(
        impressions,
        clicks,
        problem.views_per_click * clicks,
        measures,
        objective,
        score,
        max(bound, score),
        shortfalls(problem, impressions),
        prepared.least_missing,
        _binding(problem, impressions),
        prepared.root.prices,
        prepared.nodes,
    )


def _binding(problem: DeliveryProblem, x: Floats) -> NDArray[np.str_]:
    """(n, m) the first binding constraint of each pair, in the order position, guarantee, drawer, total."""
    caps = problem.classes.content_caps(x, problem.most)
    is_guaranteed = (problem.min_impressions > 0) & (
        x.sum(axis=1) <= problem.min_impressions * (1.0 + BINDING_TOLERANCE)
    )
    clicks = problem.curves.clicks(x).sum(axis=1)
    is_guaranteed |= (problem.min_clicks > 0) & (clicks <= problem.min_clicks * (1.0 + BINDING_TOLERANCE))
    drawer_full = x.sum(axis=0) >= problem.drawer_capacity * (1.0 - BINDING_TOLERANCE)
    conditions = [
        x <= 0.0,
        x >= caps * (1.0 - BINDING_TOLERANCE),
        np.broadcast_to(is_guaranteed[:, None], x.shape),
        np.broadcast_to(drawer_full, x.shape),
        np.full(x.shape, x.sum() >= problem.total * (1.0 - BINDING_TOLERANCE)),
    ]
    return np.select(conditions, ["not shown", "position", "guarantee", "drawer", "total"], "none")
