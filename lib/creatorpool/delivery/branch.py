"""Branch and bound over the relaxation: plans from its mixtures, and boxes split where it mixes (formulas §4.5).

A pair that the relaxation mixes from two points has its interval split at the mean, as in sigmoidal programming [1]_:
on either side the concave envelope is closer to the curve. The node with the largest bound comes first. A limit on
nodes, and not on seconds, gives the same plan on every machine.

References
----------
.. [1] Udell and Boyd, Maximizing a Sum of Sigmoids (2013).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from creatorpool.delivery.ascent import climb
from creatorpool.delivery.columns import Box
from creatorpool.delivery.feasibility import REPAIRED_LEAVE, rounding, shortfalls, spare
from creatorpool.delivery.objective import measure, most_views
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.relaxation import Relaxed, relax
from creatorpool.delivery.repair import repaired
from creatorpool.delivery.response import Floats

# A part of the bound that is not worth a node.
GAP = 1e-5
# A pair whose mixing brings a smaller part of the bound, or of the rounding of guarantees, counts as unmixed.
LOSS, UNMET = 1e-7, 1e-2
# Rounds of points a node may take after its parent's.
NODE_ROUNDS = 6
# A split leaves each side this part of the interval at least.
SIDE = 0.05
# Steps of every plan's climb; only one that is then the best goes on.
FIRST_STEPS = 30
CROWDED = 1e-6
DIVES = 4


@dataclass(order=True)
class _Node:
    priority: float
    number: int
    box: Box = field(compare=False)
    relaxed: Relaxed = field(compare=False)


class _Tried(NamedTuple):
    rank: tuple[float, float]
    """less is better: what is missed beyond what is allowed first, then the score"""
    violation: float
    score: float
    plan: Floats


def _rank(tried: _Tried) -> tuple[float, float]:
    return tried.rank


@dataclass(frozen=True)
class SearchResult:
    """The best plan of a search and what bounds it."""

    impressions: Floats
    violation: float
    """impressions that guarantees miss"""
    score: float
    bound: float
    nodes: int


class Search:
    """Best plans by one separable objective: views, or, without `value`, the least that guarantees miss."""

    def __init__(
        self,
        problem: DeliveryProblem,
        value: Floats | None,
        allowance: float | None,
        starts: Sequence[Floats] | None = None,
    ) -> None:
        """`starts` are plans to be tried before any other."""
        self.problem, self.value, self.allowance = problem, value, allowance
        self.starts = [] if starts is None else list(starts)
        self.best: _Tried | None = None
        self.plans: list[Floats] = []
        """every plan that was the best one when it was found"""

    def begin(self, root: Relaxed, box: Box) -> None:
        """Plans from a relaxed root, without a branch."""
        for start in [root.mean, root.heaviest, *self.starts]:
            self._try(start)
        self._dive(box, root)

    def branch(self, root: Relaxed, box: Box, nodes: int) -> SearchResult:
        """Split boxes from the root on, after `begin`, and say what was found and what bounds it."""
        waiting = [_Node(-root.bound, 0, box, root)]
        numbered = looked = 0
        closed_bound = -np.inf  # the largest bound of what was left unsplit
        while waiting and looked < nodes:
            node = heapq.heappop(waiting)
            if self._is_near(node.relaxed.bound):
                heapq.heappush(waiting, node)
                break
            split = None if self._is_settled(node.relaxed) else self._split(node)
            if split is None:
                closed_bound = max(closed_bound, node.relaxed.bound)
                continue
            looked += 1
            for half in split:
                relaxed = self._relaxed(half, node.relaxed)
                if relaxed is None:
                    continue
                self._try(relaxed.mean)
                if relaxed.bound > self.score:
                    numbered += 1
                    heapq.heappush(waiting, _Node(-relaxed.bound, numbered, half, relaxed))
        best, score = self._best(), self._best().score
        bound = max([score, closed_bound, *(node.relaxed.bound for node in waiting)])
        return SearchResult(
            best.plan, best.violation, score, min(bound, root.bound) if score <= root.bound else score, looked
        )

    @property
    def has_plan(self) -> bool:
        """A plan that misses no more than allowed is known."""
        return self.best is not None and self.best.violation <= self.allowed

    @property
    def score(self) -> float:
        """Of the best plan that is good enough in violation; -inf before there is one."""
        return self.best.score if self.best is not None and self.has_plan else -np.inf

    @property
    def allowed(self) -> float:
        """Impressions that guarantees may miss in a plan that counts: no more than in the bound."""
        if self.value is None:
            return np.inf
        return 0.0 if self.allowance is None else self.allowance

    @property
    def missable(self) -> float:
        """Impressions that repairs may leave missing: no less than mixtures do, and a little less than allowed."""
        if self.value is None or self.allowance is None:
            return 0.0
        return self.allowance - REPAIRED_LEAVE * spare(self.problem, self.allowance)

    def _best(self) -> _Tried:
        if self.best is None:
            raise ArithmeticError("a search tries its root's plan at least")
        return self.best

    def _is_near(self, bound: float) -> bool:
        return bound - self.score <= GAP * max(abs(bound), abs(self.score), 1e-9)

    def _is_settled(self, relaxed: Relaxed) -> bool:
        """The mixture is worth no more than the best plan: its bound is above for what rounding may miss."""
        return self.allowance is not None and self._is_near(relaxed.value)

    def _relaxed(self, box: Box, parent: Relaxed) -> Relaxed | None:
        if self.value is None:
            relaxed = relax(self.problem, None, box, columns=parent.columns, cutoff=self.score, rounds=NODE_ROUNDS)
        else:
            relaxed = relax(
                self.problem, self.value, box, columns=parent.columns, allowance=self.allowance, cutoff=self.score,
                rounds=NODE_ROUNDS,
            )  # fmt: skip
        return None if relaxed is None else relaxed.bounded_by(parent.bound)

    def _try(self, impressions: Floats) -> None:
        """Make a plan of what the relaxation says, and keep it if it is the best: least missing, then best score."""
        problem = self.problem
        caps = problem.classes.content_caps(impressions, problem.most)
        plan = repaired(problem, impressions, caps, self.missable)
        tried = self._measured(plan)
        if self.value is not None:
            end = climb(problem, most_views(), plan, caps, steps=FIRST_STEPS)
            tried = min(tried, self._measured(end.impressions), key=_rank)
            if end.steps == FIRST_STEPS and self._is_better(tried):
                farther = climb(problem, most_views(), tried.plan, caps)
                tried = min(tried, self._measured(farther.impressions), key=_rank)
        if self._is_better(tried):
            self.best = tried
            self.plans.append(tried.plan)

    def _measured(self, plan: Floats) -> _Tried:
        violation = shortfalls(self.problem, plan).violation
        score = -violation if self.value is None else measure(self.problem, plan).views
        over = max(violation, self.allowed) if np.isfinite(self.allowed) else 0.0
        return _Tried((over, -score), violation, score, plan)

    def _is_better(self, tried: _Tried) -> bool:
        return self.best is None or tried.rank < self.best.rank

    def _dive(self, box: Box, root: Relaxed) -> None:
        """Settle every mixed pair on its heavier side, and relax again, a few times."""
        relaxed, low, high = root, box.low, box.high
        for _ in range(DIVES):
            mixed = self._lost(relaxed, Box(low, high)) > 0.0
            if not mixed.any() or self._is_near(root.bound):
                return
            up = mixed & (relaxed.heaviest > relaxed.mean)
            low = np.where(up, relaxed.mean, low)
            high = np.where(mixed & ~up, relaxed.mean, high)
            deeper = self._relaxed(Box(low, high), relaxed)
            if deeper is None:
                return
            relaxed = deeper
            self._try(relaxed.mean)

    def _lost(self, relaxed: Relaxed, box: Box) -> Floats:
        """(n, m) what plans at the mean lose by not mixing: at the prices or, where those see nothing, of guarantees.

        A guarantee of clicks that mixtures meet with ease has no price, and yet plans may miss it.
        """
        is_open, own = box.high - box.low > 1e-9 * np.maximum(box.high, 1.0), rounding(self.problem)
        least = LOSS * max(abs(relaxed.bound), own if self.value is None else 1e-9)
        priced = np.where(is_open & (relaxed.mixing_gain > least), relaxed.mixing_gain, 0.0)
        return priced if priced.any() else np.where(is_open & (relaxed.unmet > UNMET * own), relaxed.unmet, 0.0)

    def _split(self, node: _Node) -> tuple[Box, Box] | None:
        relaxed, box = node.relaxed, node.box
        lost = self._lost(relaxed, box)
        if lost.any():
            at = np.unravel_index(int(np.argmax(lost)), lost.shape)
            width = box.high - box.low
            middle = np.clip(relaxed.mean[at], box.low[at] + SIDE * width[at], box.high[at] - SIDE * width[at])
            return _halves(box, at, float(middle), float(middle))
        if relaxed.crowding.max() <= CROWDED:
            return None
        i, j = np.unravel_index(int(np.argmax(relaxed.crowding)), lost.shape)
        caps = self.problem.classes.caps[j]
        inside = caps[(caps > box.low[i, j]) & (caps < box.high[i, j])]
        if inside.size == 0:
            return None
        cap = float(inside[np.argmin(np.abs(inside - relaxed.mean[i, j]))])
        # Above a cap means above it by more than rounding: then the content takes one of the places there.
        return _halves(box, (i, j), cap, min(cap * (1.0 + 4e-12), float(box.high[i, j])))


def _halves(box: Box, at: tuple[np.intp, ...], below: float, above: float) -> tuple[Box, Box]:
    low, high = box.low.copy(), box.high.copy()
    high[at] = below
    low[at] = above
    return Box(box.low, high), Box(low, box.high)
