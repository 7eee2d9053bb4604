"""Starts for small days: the best plans on a grid of impressions, one for each set of pairs that they show.

Where variance counts, a climb ends in the basin where it starts and shows no pair that its start does not. Up to
`LISTED` grid plans are all looked at; of larger days those that changes of one or two pairs reach from several starts.
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

# Steps from 0 to the most of each pair: multiples of the first, as many as leave no more plans than the second.
STEPS, MOST_STEPS, LISTED = 10, 100, 2_000_000
# Random plans from which larger grids are searched, and their seed.
RANDOM_STARTS, SEED = 8, 0
# Sets of shown pairs whose best plan becomes a start.
KEPT = 8
# What a missed impression costs, in worths of the best impression: never worth it, and as a repair would pay it back.
PENALTIES = (1e6, 2.0)


def lattice_starts(
    problem: DeliveryProblem, objective: Objective, missable: float, plans: Sequence[Floats]
) -> list[Floats]:
    """(n, m) plans near the best of the grid, the best first; `plans` are searched around where not all are listed.

    What they miss beyond `missable` impressions is repaired, as far as that can be.
    """
    steps = _steps(problem.most.size)
    lattice = _Lattice(problem, objective, missable, steps or STEPS)
    seeds = lattice.listed() if steps else lattice.searched(plans)
    return [_kept(problem, x, missable) for x in seeds]


def _kept(problem: DeliveryProblem, impressions: Floats, missable: float) -> Floats:
    """The plan itself if it misses no more: along a flat curve a repair moves far for a thousandth of a click."""
    caps = problem.classes.content_caps(impressions, problem.most)
    plan: Floats = np.minimum(impressions, caps)
    if shortfalls(problem, plan).violation <= missable:
        return plan
    return repaired(problem, impressions, caps, missable)


def _steps(pairs: int) -> int:
    """Steps of a grid that is listed whole; 0 if it would be too long."""
    fitting = [steps for steps in range(STEPS, MOST_STEPS + 1, STEPS) if (steps + 1) ** pairs <= LISTED]
    return max(fitting, default=0)


class _Lattice:
    """The grid of one problem with what the kernels need."""

    def __init__(self, problem: DeliveryProblem, objective: Objective, missable: float, steps: int) -> None:
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
            problem.impressions_per_click, missable, objective.views_weight,
            objective.variance_weight, objective.reciprocal,
        )  # fmt: skip

    def listed(self) -> list[Floats]:
        """The best of all plans."""
        return self._plans([_list_all(self._room(), penalty, *self.arguments) for penalty in self.penalties])

    def searched(self, plans: Sequence[Floats]) -> list[Floats]:
        """The best of those that changes of one or two pairs reach."""
        rng = np.random.default_rng(SEED)
        part = [plan / np.maximum(self.problem.most, 1e-300) for plan in plans]
        part += list(rng.random((RANDOM_STARTS, *self.problem.shape)) ** 3)
        levels = np.floor(np.stack(part) * self.steps + 1e-9).astype(np.int64).reshape(len(part), -1)
        return self._plans([_search(levels, self._room(), penalty, *self.arguments) for penalty in self.penalties])

    def _room(self) -> Integers:
        return np.zeros((2**self.problem.most.size, self.problem.most.size), dtype=np.int64)

    def _plans(self, found: list[tuple[Floats, Integers]]) -> list[Floats]:
        """The best plan of each of the best sets of pairs."""
        chosen = []
        for merit, levels in found:
            order = np.argsort(-merit, kind="stable")[:KEPT]
            chosen += [levels[at] for at in order if np.isfinite(merit[at])]
        pairs = np.arange(self.problem.most.size)
        flat = self.grid.reshape(self.steps + 1, -1)
        return [flat[level, pairs].reshape(self.problem.shape) for level in chosen]


@compiled
def _merit(
    levels: Integers, penalty: float, grid: Floats, clicks: Floats, views: Floats, drawers: Floats, total: float,
    caps: Floats, limits: Integers, least: Floats, least_clicks: Floats, per_click: Floats, missable: float,
    views_weight: float, variance_weight: float, reciprocal: bool,
) -> float:  # pragma: no cover - compiled  # fmt: skip
    """Score of a grid plan less what it misses beyond `missable`; -inf where a capacity is broken."""
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
    score = views_weight * worth - penalty * max(missed - missable, 0.0)
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
def _shown(levels: Integers) -> int:  # pragma: no cover - compiled
    """The set of pairs with impressions, as bits."""
    bits = 0
    for p in range(levels.size):
        if levels[p] > 0:
            bits |= 1 << p
    return bits


@compiled
def _list_all(
    kept: Integers, penalty: float, grid: Floats, clicks: Floats, views: Floats, drawers: Floats, total: float,
    caps: Floats, limits: Integers, least: Floats, least_clicks: Floats, per_click: Floats, missable: float,
    views_weight: float, variance_weight: float, reciprocal: bool,
) -> tuple[Floats, Integers]:  # pragma: no cover - compiled  # fmt: skip
    """Merit and levels of the best plan of each set of pairs."""
    best = np.full(kept.shape[0], -np.inf)
    levels = np.zeros(kept.shape[1], dtype=np.int64)
    while True:
        merit = _merit(
            levels, penalty, grid, clicks, views, drawers, total, caps, limits, least, least_clicks, per_click,
            missable, views_weight, variance_weight, reciprocal,
        )  # fmt: skip
        if merit > -np.inf:
            bits = _shown(levels)
            if merit > best[bits]:
                best[bits] = merit
                kept[bits] = levels
        p = 0
        if merit == -np.inf:  # more of the first pair that is shown would break what is broken already
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
    missable: float, views_weight: float, variance_weight: float, reciprocal: bool,
) -> tuple[Floats, Integers]:  # pragma: no cover - compiled  # fmt: skip
    """As `_list_all`, of the plans seen while the best change of two pairs is made until none is better."""
    pairs, top = kept.shape[1], grid.shape[0]
    best = np.full(kept.shape[0], -np.inf)
    for start in range(starts.shape[0]):
        levels = starts[start].copy()
        merit = -np.inf
        while merit == -np.inf:
            merit = _merit(
                levels, penalty, grid, clicks, views, drawers, total, caps, limits, least, least_clicks, per_click,
                missable, views_weight, variance_weight, reciprocal,
            )  # fmt: skip
            if merit == -np.inf:
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
                            reached = _merit(
                                levels, penalty, grid, clicks, views, drawers, total, caps, limits, least,
                                least_clicks, per_click, missable, views_weight, variance_weight, reciprocal,
                            )  # fmt: skip
                            if reached == -np.inf:
                                break
                            bits = _shown(levels)
                            if reached > best[bits]:
                                best[bits] = reached
                                kept[bits] = levels
                            if reached > merit + 1e-12 * abs(merit):
                                merit, own, other, better = reached, first, second, True
                    levels[p], levels[q] = own, other
    return best, kept
