"""Starts for small days: plans on a grid of impressions, the best one for each set of shown pairs.

If variance counts, a climb finds only the local maximum near its start, and shows only pairs that its start shows. So
the starts must differ. A grid of up to `MAX_PLANS` plans is searched completely. A larger grid is searched from several
plans, by changes of one or two pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from creatorpool.delivery.envelope import AT_CAP
from creatorpool.delivery.feasibility import TOLERANCE, shortfalls
from creatorpool.delivery.objective import Objective
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.repair import repaired
from creatorpool.delivery.response import Floats, Integers, clicks_at
from creatorpool.numerics.compiled import compiled

# Grid steps from 0 to the most impressions of each pair: a multiple of STEPS, at most MAX_STEPS, such that the grid has
# at most MAX_PLANS plans.
STEPS, MAX_STEPS, MAX_PLANS = 10, 100, 2_000_000
# Random plans from which a larger grid is searched, and their seed.
RANDOM_STARTS, SEED = 8, 0
# Largest number of sets of shown pairs whose best plans become starts, for each penalty.
MAX_STARTS = 8
# Penalty of a missed impression, as a multiple of the value of the best impression: one that forbids misses, and one
# near the cost of repairing them.
PENALTIES = (1e6, 2.0)


def grid_starts(
    problem: DeliveryProblem, objective: Objective, allowed_violation: float, plans: Sequence[Floats]
) -> list[Floats]:
    """(n, m) starts from the best grid plans, the best first for each penalty.

    A grid that is too large to be searched completely is searched around `plans` and around random plans. Plans that
    miss more than `allowed_violation` impressions are repaired as far as possible.
    """
    steps = _steps(problem.most.size)
    grid = _Grid(problem, objective, allowed_violation, steps or STEPS)
    found = grid.all_plans() if steps else grid.plans_near(plans)
    return [_within_violation(problem, x, allowed_violation) for x in found]


def _within_violation(problem: DeliveryProblem, impressions: Floats, allowed_violation: float) -> Floats:
    """The plan, repaired only if it misses more: on a flat curve a repair moves many impressions for a tiny gain."""
    caps = problem.classes.content_caps(impressions, problem.most)
    plan: Floats = np.minimum(impressions, caps)
    if shortfalls(problem, plan).violation <= allowed_violation:
        return plan
    return repaired(problem, impressions, caps, allowed_violation)


def _steps(pairs: int) -> int:
    """Steps of a grid that can be searched completely; 0 if even the coarsest has more than `MAX_PLANS` plans."""
    fitting = [steps for steps in range(STEPS, MAX_STEPS + 1, STEPS) if (steps + 1) ** pairs <= MAX_PLANS]
    return max(fitting, default=0)


class _Grid:
    """The grid of one problem, and the arguments of the kernels."""

    def __init__(self, problem: DeliveryProblem, objective: Objective, allowed_violation: float, steps: int) -> None:
        grid = np.linspace(0.0, 1.0, steps + 1)[:, None, None] * problem.most
        self.problem, self.steps = problem, steps
        self.grid = grid
        clicks = clicks_at(problem.curves.parameters[:, None], grid)
        rate = float((clicks[1:] / np.maximum(grid[1:], 1e-300)).max(initial=0.0))
        spread = objective.variance_slope(rate**2) * rate**2 / max(problem.total, 1.0)
        worth = objective.views_weight * float(problem.views_per_click.max()) * rate + spread
        is_guaranteed = problem.min_impressions.any() or problem.min_clicks.any()
        self.penalties = [part * max(worth, 1e-12) for part in (PENALTIES if is_guaranteed else PENALTIES[:1])]
        self.arguments = (
            grid, clicks, problem.views_per_click * clicks, problem.drawer_capacity, problem.total,
            problem.classes.caps * AT_CAP, problem.classes.limits, problem.min_impressions, problem.min_clicks,
            problem.impressions_per_click, allowed_violation, objective.views_weight,
            objective.variance_weight, objective.reciprocal,
        )  # fmt: skip

    def all_plans(self) -> list[Floats]:
        """The best plans of the whole grid."""
        return self._plans([_list_all(self._empty_levels(), penalty, *self.arguments) for penalty in self.penalties])

    def plans_near(self, plans: Sequence[Floats]) -> list[Floats]:
        """The best plans that changes of one or two pairs reach from `plans` and from random plans."""
        rng = np.random.default_rng(SEED)
        part = [plan / np.maximum(self.problem.most, 1e-300) for plan in plans]
        part += list(rng.random((RANDOM_STARTS, *self.problem.shape)) ** 3)
        levels = np.floor(np.stack(part) * self.steps + 1e-9).astype(np.int64).reshape(len(part), -1)
        return self._plans(
            [_search(levels, self._empty_levels(), penalty, *self.arguments) for penalty in self.penalties]
        )

    def _empty_levels(self) -> Integers:
        return np.zeros((2**self.problem.most.size, self.problem.most.size), dtype=np.int64)

    def _plans(self, found: list[tuple[Floats, Integers]]) -> list[Floats]:
        """The best plans of the `MAX_STARTS` best sets of shown pairs."""
        chosen = []
        for score, levels in found:
            order = np.argsort(-score, kind="stable")[:MAX_STARTS]
            chosen += [levels[at] for at in order if np.isfinite(score[at])]
        pairs = np.arange(self.problem.most.size)
        flat = self.grid.reshape(self.steps + 1, -1)
        return [flat[level, pairs].reshape(self.problem.shape) for level in chosen]


@compiled
def _penalised_score(
    levels: Integers, penalty: float, grid: Floats, clicks: Floats, views: Floats, drawers: Floats, total: float,
    caps: Floats, limits: Integers, least: Floats, least_clicks: Floats, per_click: Floats, allowed_violation: float,
    views_weight: float, variance_weight: float, reciprocal: bool,
) -> float:  # pragma: no cover - compiled  # fmt: skip
    """Score of a grid plan less `penalty` per impression missed beyond `allowed_violation`; -inf above a capacity."""
    _, n, m = grid.shape
    everything = 0.0
    for j in range(m):
        used = 0.0
        for i in range(n):
            used += grid[levels[i * m + j], i, j]
        everything += used
        if used > drawers[j] * (1.0 + 1e-12) or everything > total * (1.0 + 1e-12):
            return -np.inf
        for d in range(caps.shape[1]):
            above = 0
            for i in range(n):
                above += grid[levels[i * m + j], i, j] > caps[j, d]
            if above > limits[j, d]:
                return -np.inf
    clicked, worth, missed, count = 0.0, 0.0, 0.0, 0
    rate_sum, square_sum = 0.0, 0.0
    for i in range(n):
        shown, own = 0.0, 0.0
        for j in range(m):
            at = levels[i * m + j]
            shown += grid[at, i, j]
            own += clicks[at, i, j]
            worth += views[at, i, j]
        if least[i] - shown > TOLERANCE * least[i]:
            missed += least[i] - shown
        if least_clicks[i] - own > TOLERANCE * least_clicks[i]:
            missed += (least_clicks[i] - own) * per_click[i]
        clicked += own
        if shown > 0.0:
            count += 1
            rate_sum += own / shown
            square_sum += (own / shown) ** 2
    score = views_weight * worth - penalty * max(missed - allowed_violation, 0.0)
    if variance_weight == 0.0:
        return score
    variance = 0.0
    if count > 0:
        overall = clicked / everything
        variance = max(square_sum / count - 2.0 * overall * rate_sum / count + overall**2, 0.0)
    if reciprocal:
        return score + variance_weight / max(variance, 1e-30)
    return score - variance_weight * variance


@compiled
def _shown_pairs(levels: Integers) -> int:  # pragma: no cover - compiled
    """The set of pairs with impressions, one bit per pair."""
    bits = 0
    for p in range(levels.size):
        if levels[p] > 0:
            bits |= 1 << p
    return bits


@compiled
def _list_all(
    kept: Integers, penalty: float, grid: Floats, clicks: Floats, views: Floats, drawers: Floats, total: float,
    caps: Floats, limits: Integers, least: Floats, least_clicks: Floats, per_click: Floats, allowed_violation: float,
    views_weight: float, variance_weight: float, reciprocal: bool,
) -> tuple[Floats, Integers]:  # pragma: no cover - compiled  # fmt: skip
    """Score and levels of the best plan of each set of shown pairs."""
    best = np.full(kept.shape[0], -np.inf)
    levels = np.zeros(kept.shape[1], dtype=np.int64)
    while True:
        score = _penalised_score(
            levels, penalty, grid, clicks, views, drawers, total, caps, limits, least, least_clicks, per_click,
            allowed_violation, views_weight, variance_weight, reciprocal,
        )  # fmt: skip
        if score > -np.inf:
            bits = _shown_pairs(levels)
            if score > best[bits]:
                best[bits] = score
                kept[bits] = levels
        p = 0
        if score == -np.inf:  # higher levels of the first shown pair exceed the same capacity
            while levels[p] == 0:
                p += 1
            levels[p] = 0
            p += 1
        while p < levels.size and levels[p] == grid.shape[0] - 1:
            levels[p] = 0
            p += 1
        if p == levels.size:
            return best, kept
        levels[p] += 1


@compiled
def _search(
    starts: Integers, kept: Integers, penalty: float, grid: Floats, clicks: Floats, views: Floats, drawers: Floats,
    total: float, caps: Floats, limits: Integers, least: Floats, least_clicks: Floats, per_click: Floats,
    allowed_violation: float, views_weight: float, variance_weight: float, reciprocal: bool,
) -> tuple[Floats, Integers]:  # pragma: no cover - compiled  # fmt: skip
    """As `_list_all`, over the plans of a pairwise search: it changes two levels at a time while a change improves."""
    pairs, top = kept.shape[1], grid.shape[0]
    best = np.full(kept.shape[0], -np.inf)
    for start in range(starts.shape[0]):
        levels = starts[start].copy()
        score = -np.inf
        while score == -np.inf:
            score = _penalised_score(
                levels, penalty, grid, clicks, views, drawers, total, caps, limits, least, least_clicks, per_click,
                allowed_violation, views_weight, variance_weight, reciprocal,
            )  # fmt: skip
            if score == -np.inf:
                levels[np.argmax(levels)] -= 1
        better = True
        while better:
            better = False
            for p in range(pairs):
                for q in range(p):
                    own, other = levels[p], levels[q]
                    for first in range(top):
                        for second in range(top):
                            levels[p], levels[q] = first, second
                            reached = _penalised_score(
                                levels, penalty, grid, clicks, views, drawers, total, caps, limits, least,
                                least_clicks, per_click, allowed_violation, views_weight, variance_weight, reciprocal,
                            )  # fmt: skip
                            if reached == -np.inf:
                                break
                            bits = _shown_pairs(levels)
                            if reached > best[bits]:
                                best[bits] = reached
                                kept[bits] = levels
                            if reached > score + 1e-12 * abs(score):
                                score, own, other, better = reached, first, second, True
                    levels[p], levels[q] = own, other
    return best, kept
