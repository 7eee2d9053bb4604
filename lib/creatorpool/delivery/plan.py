"""The plan of a day: guarantees first, then the objective, with a bound that says how far from the best it can be."""

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
from creatorpool.delivery.lattice import lattice_starts
from creatorpool.delivery.objective import Measures, Objective, measure, most_views
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.relaxation import Relaxed, relax
from creatorpool.delivery.repair import repaired
from creatorpool.delivery.response import Floats, clicks_at

# Pairs of content and drawer that all nodes of a search may have together, and the most nodes of the smallest problem.
NODE_PAIRS = 5_000
MOST_NODES = 200
# Where rounding leaves no plan within an allowance, this part of it is added first, then four times as much, and so on.
ROOM = 1e-7
# Starts for even rates: grid points of each pair, quantiles of the rates now, parts of the prices; fewer if LARGE.
START_POINTS = 48
START_RATES = (0.2, 0.5, 0.8)
START_PRICES = (0.5, 0.0)
LARGE = 1_000
# A share of a limit at which a plan counts as held by it.
HELD = 1e-6


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
    """no plan that misses as little of the guarantees scores more; inf if none is known"""
    missing: Shortfalls
    """what the guarantees miss, content by content"""
    least_missing: float
    """impressions that every plan misses, proven; above 0 the guarantees contradict the capacities"""
    binding: NDArray[np.str_]
    """(n, m) what holds a content there: 'position', 'guarantee', 'drawer', 'total', 'none', 'not shown'"""
    prices: Prices
    """what the views' bound prices the shared constraints at"""
    nodes: int
    """boxes that branch and bound split"""

    @property
    def gap(self) -> float:
        """Distance of the score from the bound, as a part of the larger of the two; inf if there is no bound."""
        if self.bound == self.score:
            return 0.0
        if not np.isfinite(self.bound):
            return float("inf")
        return (self.bound - self.score) / max(abs(self.bound), abs(self.score))

    @property
    def guarantees_met(self) -> bool:
        """Every guarantee is met."""
        return self.missing.met


@dataclass(frozen=True)
class PreparedProblem:
    """What plans by any objective share: the guarantees' outcome, the views' bound, and plans of many views."""

    problem: DeliveryProblem
    root: Relaxed
    views_bound: float
    allowance: float | None
    least_missing: float
    plans: list[Floats]
    """that miss no more than `missable`, the one of most views last"""
    missable: float
    """impressions that a plan may miss: those that the plan of most views misses, up to rounding"""
    nodes: int


def plan_delivery(problem: DeliveryProblem, objective: Objective | None = None) -> DeliveryPlan:
    """Plan a day's impressions (formulas §4.4).

    Guarantees come first: among the plans that miss least of them, none at all if that can be, the best by `objective`
    (most views by default). Capacities, the total and the rule of positions always hold.

    Notes
    -----
    The curves are S-shaped, so that the plan is the best one found and `bound` says what no plan exceeds: the
    relaxation of `relax`, closed by branch and bound as far as its nodes reach; where variance counts, `score_bound`.
    A problem of the same arrays gives the same plan.
    """
    return plan_for_objective(prepare_problem(problem), most_views() if objective is None else objective)


def prepare_problem(problem: DeliveryProblem) -> PreparedProblem:
    """Decide the guarantees, then search for views."""
    value = problem.views_per_click
    box = Box(np.zeros(problem.shape), problem.most)
    nodes = min(MOST_NODES, NODE_PAIRS // value.size)
    root, allowance, least, looked = relax(problem, value, box), None, 0.0, 0
    search = Search(problem, value, None)
    if root is not None:
        search.begin(root, box)
    if root is None or not search.has_plan:
        # Only mixtures meet the guarantees so far, if any does: what all plans must miss is decided first.
        fewest, least = _least_missing(problem, box, nodes, search.plans)
        looked = fewest.nodes
        if root is None or fewest.violation > 0.0:
            root, allowance = _allowed(problem, value, box, fewest)
        search = Search(problem, value, allowance, [fewest.impressions, *search.plans])
        search.begin(root, box)
    found = search.branch(root, box, nodes)
    missable = max(found.violation, min(search.allowed, found.violation + 0.5 * spare(problem, found.violation)))
    # A search's first plans may miss more than its best.
    plans = [*_missing_no_more(problem, search.plans[:-1], missable)[-2:], found.impressions]
    return PreparedProblem(problem, root, found.bound, allowance, least, plans, missable, found.nodes + looked)


def plan_for_objective(prepared: PreparedProblem, objective: Objective) -> DeliveryPlan:
    """The best plan by `objective` that climbing from the prepared problem's plans, and from even ones, reaches."""
    if objective.is_separable and objective.views_weight > 0:
        return plan_of(prepared, objective, prepared.plans[-1])
    best = best_climb(prepared.problem, objective, starting_plans(prepared, objective))
    return plan_of(prepared, objective, best.impressions)


def starting_plans(prepared: PreparedProblem, objective: Objective) -> list[Floats]:
    """Plans to climb from where variance counts: those of many views, even ones and, on a small day, a grid's."""
    problem, more = prepared.problem, even_starts(prepared, objective)
    if problem.is_small:
        more += lattice_starts(problem, objective, prepared.missable, [*prepared.plans, *more])
    return [*prepared.plans, *_missing_no_more(problem, more, prepared.missable)]


def _missing_no_more(problem: DeliveryProblem, plans: Sequence[Floats], missable: float) -> list[Floats]:
    return [plan for plan in plans if shortfalls(problem, plan).violation <= missable]


def best_climb(problem: DeliveryProblem, objective: Objective, starts: Sequence[Floats]) -> Ascent:
    """The best end of climbs from (n, m) `starts`, of which there is one at least; of equal ones the first."""
    climbs = [climb(problem, objective, x, problem.classes.content_caps(x, problem.most)) for x in starts]
    return max(climbs, key=lambda reached: reached.score)


def even_starts(prepared: PreparedProblem, objective: Objective) -> list[Floats]:
    """Plans whose contents come near one click rate, for several rates and prices of impressions.

    Each pair alone takes the grid point that is best at the prices and near the rate; the repair then makes it a plan.
    """
    problem, prices = prepared.problem, prepared.root.prices
    n, m = problem.shape
    grid = np.linspace(0.0, 1.0, START_POINTS + 1)[1:, None, None] * problem.most
    clicks = clicks_at(problem.curves.parameters[:, None], grid)
    rates = np.where(grid > 0, clicks / np.maximum(grid, 1e-300), 0.0)
    best = prepared.plans[-1]
    now = measure(problem, best)
    pull = objective.variance_slope(now.variance) / (n * m)
    price = np.maximum(prices.total + prices.drawer[None, :] - prices.impressions[:, None], 0.0)
    rated = now.rates[~np.isnan(now.rates)]
    few = problem.most.size > LARGE
    plans = []
    for quantile in START_RATES[:2] if few or not rated.size else START_RATES:
        for part in START_PRICES[:1] if few else START_PRICES:
            rate = float(np.quantile(rated, quantile)) if rated.size else 0.0
            worth = objective.views_weight * (problem.views_per_click * clicks - part * price * grid)
            at = (worth - pull * (rates - rate) ** 2).argmax(axis=0)
            wished = np.take_along_axis(grid, at[None], axis=0)[0]
            caps = problem.classes.content_caps(wished, problem.most)
            plans.append(repaired(problem, wished, caps, prepared.missable))
    return plans


def _least_missing(
    problem: DeliveryProblem, box: Box, nodes: int, starts: Sequence[Floats]
) -> tuple[SearchResult, float]:
    """The plan found that misses least, and the impressions that every plan misses."""
    root = relax(problem, None, box)
    if root is None:
        raise ArithmeticError("a plan of nothing must be possible when guarantees may be missed")
    search = Search(problem, None, None, starts)
    search.begin(root, box)
    found = search.branch(root, box, nodes)
    return found, -found.bound if -found.bound > rounding(problem) else 0.0


def _allowed(problem: DeliveryProblem, value: Floats, box: Box, fewest: SearchResult) -> tuple[Relaxed, float]:
    """The relaxation for plans that miss no more than `fewest`, a little more where rounding needs it."""
    allowance = fewest.violation + spare(problem, fewest.violation)
    more = ROOM * (allowance + 1.0)
    columns = Columns.first(box).joined(Columns.of(fewest.impressions))
    while (root := relax(problem, value, box, columns=columns, allowance=allowance)) is None:
        allowance, more = allowance + more, 4.0 * more
    return root, allowance


def plan_of(prepared: PreparedProblem, objective: Objective, impressions: Floats) -> DeliveryPlan:
    """The plan with its bound and what holds it."""
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
    """The narrowest constraint that holds each pair: its own, its content's, its drawer's, everyone's."""
    caps = problem.classes.content_caps(x, problem.most)
    is_guaranteed = (problem.min_impressions > 0) & (x.sum(axis=1) <= problem.min_impressions * (1.0 + HELD))
    clicks = problem.curves.clicks(x).sum(axis=1)
    is_guaranteed |= (problem.min_clicks > 0) & (clicks <= problem.min_clicks * (1.0 + HELD))
    drawer_full = x.sum(axis=0) >= problem.drawer_capacity * (1.0 - HELD)
    conditions = [
        x <= 0.0,
        x >= caps * (1.0 - HELD),
        np.broadcast_to(is_guaranteed[:, None], x.shape),
        np.broadcast_to(drawer_full, x.shape),
        np.full(x.shape, x.sum() >= problem.total * (1.0 - HELD)),
    ]
    return np.select(conditions, ["not shown", "position", "guarantee", "drawer", "total"], "none")
