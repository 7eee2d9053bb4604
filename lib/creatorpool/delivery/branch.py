"""Branch and bound over the relaxation (formulas §4.5).

The relaxation may mix a pair of content and drawer from two points of its curve. The search then splits the pair's
interval at the mean, as in sigmoidal programming [1]_, because the concave envelope is closer to the curve on each
side. It takes the node with the largest bound first. It limits the number of nodes and not the time, so that every
machine finds the same plan.

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
from creatorpool.delivery.relaxation import Relaxation, relax
from creatorpool.delivery.repair import repaired
from creatorpool.delivery.response import Floats

# A relative distance of the score from the bound at which a node is not split.
GAP_TOLERANCE = 1e-5
# A pair counts as mixed if mixing adds more than this part of the bound, or of the rounding error of guarantees.
MIN_MIXING_LOSS, MIN_UNMET = 1e-7, 1e-2
# Rounds of column generation in a node; it starts from the points of its parent.
NODE_ROUNDS = 6
# Least part of an interval that a split leaves on each side.
MIN_SIDE = 0.05
# Steps of each plan's climb. A climb continues beyond them only if its plan is the best so far.
FIRST_STEPS = 30
MIN_FRACTIONALITY = 1e-6
MAX_DIVES = 4


@dataclass(order=True)
class _Node:
    priority: float
    number: int
    box: Box = field(compare=False)
    relaxed: Relaxation = field(compare=False)


class _Candidate(NamedTuple):
    rank: tuple[float, float]
    """smaller is better: first the violation beyond the allowed one, then minus the score"""
    violation: float
    score: float
    plan: Floats


def _rank(candidate: _Candidate) -> tuple[float, float]:
    return candidate.rank


@dataclass(frozen=True)
class SearchResult:
    """The best plan of a search, and the upper bound on all plans."""

    impressions: Floats
    violation: float
    """impressions that guarantees miss"""
    score: float
    bound: float
    nodes: int


class Search:
    """Searches the plan with the most views or, without `value`, the plan that misses the least of the guarantees."""

    def __init__(
        self,
        problem: DeliveryProblem,
        value: Floats | None,
        allowance: float | None,
        starts: Sequence[Floats] | None = None,
    ) -> None:
        """`starts` are plans that the search considers in addition to those of the relaxation."""
        self.problem, self.value, self.allowance = problem, value, allowance
        self.starts = [] if starts is None else list(starts)
        self.best: _Candidate | None = None
        self.plans: list[Floats] = []
        """the plans that were the best when they were found, in this order"""

    def begin(self, root: Relaxation, box: Box) -> None:
        """Find plans from the root's relaxation, before any split."""
        for start in [root.mean, root.heaviest, *self.starts]:
            self._consider(start)
        self._dive(box, root)

    def branch(self, root: Relaxation, box: Box, nodes: int) -> SearchResult:
        """Split boxes, starting from the root, after `begin`; return the best plan and its bound."""
        open_nodes = [_Node(-root.bound, 0, box, root)]
        last_number = split_nodes = 0
        closed_bound = -np.inf  # the largest bound of the nodes that cannot be split further
        while open_nodes and split_nodes < nodes:
            node = heapq.heappop(open_nodes)
            if self._is_within_gap(node.relaxed.bound):
                heapq.heappush(open_nodes, node)
                break
            split = None if self._is_settled(node.relaxed) else self._split(node)
            if split is None:
                closed_bound = max(closed_bound, node.relaxed.bound)
                continue
            split_nodes += 1
            for half in split:
                relaxed = self._relaxed(half, node.relaxed)
                if relaxed is None:
                    continue
                self._consider(relaxed.mean)
                if relaxed.bound > self.score:
                    last_number += 1
                    heapq.heappush(open_nodes, _Node(-relaxed.bound, last_number, half, relaxed))
        best, score = self._best(), self._best().score
        bound = max([score, closed_bound, *(node.relaxed.bound for node in open_nodes)])
        return SearchResult(
            best.plan, best.violation, score, min(bound, root.bound) if score <= root.bound else score, split_nodes
        )

    @property
    def has_plan(self) -> bool:
        """Whether a plan is known whose violation is at most `max_violation`."""
        return self.best is not None and self.best.violation <= self.max_violation

    @property
    def score(self) -> float:
        """Score of the best plan; -inf before `has_plan`."""
        return self.best.score if self.best is not None and self.has_plan else -np.inf

    @property
    def max_violation(self) -> float:
        """Largest violation of a valid plan, impressions: the same as in the bound."""
        if self.value is None:
            return np.inf
        return 0.0 if self.allowance is None else self.allowance

    @property
    def repair_violation(self) -> float:
        """Violation at which a repair stops, impressions: at least that of mixtures, a little below `max_violation`."""
        if self.value is None or self.allowance is None:
            return 0.0
        return self.allowance - REPAIRED_LEAVE * spare(self.problem, self.allowance)

    def _best(self) -> _Candidate:
        if self.best is None:
            raise ArithmeticError("a search has no plan before `begin`")
        return self.best

    def _is_within_gap(self, bound: float) -> bool:
        return bound - self.score <= GAP_TOLERANCE * max(abs(bound), abs(self.score), 1e-9)

    def _is_settled(self, relaxed: Relaxation) -> bool:
        """Whether the mixture itself is no better than the best plan: only the allowance keeps the bound above it."""
        return self.allowance is not None and self._is_within_gap(relaxed.value)

    def _relaxed(self, box: Box, parent: Relaxation) -> Relaxation | None:
        if self.value is None:
            relaxed = relax(self.problem, None, box, columns=parent.columns, cutoff=self.score, rounds=NODE_ROUNDS)
        else:
            relaxed = relax(
                self.problem, self.value, box, columns=parent.columns, allowance=self.allowance, cutoff=self.score,
                rounds=NODE_ROUNDS,
            )  # fmt: skip
        return None if relaxed is None else relaxed.bounded_by(parent.bound)

    def _consider(self, impressions: Floats) -> None:
        """Repair `impressions` to a plan, improve it, and keep it if it is the best by `_Candidate.rank`."""
        problem = self.problem
        caps = problem.classes.content_caps(impressions, problem.most)
        plan = repaired(problem, impressions, caps, self.repair_violation)
        candidate = self._measured(plan)
        if self.value is not None:
            end = climb(problem, most_views(), plan, caps, steps=FIRST_STEPS)
            candidate = min(candidate, self._measured(end.impressions), key=_rank)
            if end.steps == FIRST_STEPS and self._is_better(candidate):
                longer = climb(problem, most_views(), candidate.plan, caps)
                candidate = min(candidate, self._measured(longer.impressions), key=_rank)
        if self._is_better(candidate):
            self.best = candidate
            self.plans.append(candidate.plan)

    def _measured(self, plan: Floats) -> _Candidate:
        violation = shortfalls(self.problem, plan).violation
        score = -violation if self.value is None else measure(self.problem, plan).views
        beyond = max(violation, self.max_violation) if np.isfinite(self.max_violation) else 0.0
        return _Candidate((beyond, -score), violation, score, plan)

    def _is_better(self, candidate: _Candidate) -> bool:
        return self.best is None or candidate.rank < self.best.rank

    def _dive(self, box: Box, root: Relaxation) -> None:
        """Restrict each mixed pair to the side of the mean with the larger weight, relax again, and repeat."""
        relaxed, low, high = root, box.low, box.high
        for _ in range(MAX_DIVES):
            mixed = self._mixing_loss(relaxed, Box(low, high)) > 0.0
            if not mixed.any() or self._is_within_gap(root.bound):
                return
            up = mixed & (relaxed.heaviest > relaxed.mean)
            low = np.where(up, relaxed.mean, low)
            high = np.where(mixed & ~up, relaxed.mean, high)
            deeper = self._relaxed(Box(low, high), relaxed)
            if deeper is None:
                return
            relaxed = deeper
            self._consider(relaxed.mean)

    def _mixing_loss(self, relaxed: Relaxation, box: Box) -> Floats:
        """(n, m) loss of a plan at the mean against the mixture: by value or, if that is 0 everywhere, by `unmet`.

        A guarantee of clicks may have the price 0, because the mixture meets it, although a plan at the mean misses it.
        """
        is_open, own = box.high - box.low > 1e-9 * np.maximum(box.high, 1.0), rounding(self.problem)
        least = MIN_MIXING_LOSS * max(abs(relaxed.bound), own if self.value is None else 1e-9)
        priced = np.where(is_open & (relaxed.mixing_gain > least), relaxed.mixing_gain, 0.0)
        return priced if priced.any() else np.where(is_open & (relaxed.unmet > MIN_UNMET * own), relaxed.unmet, 0.0)

    def _split(self, node: _Node) -> tuple[Box, Box] | None:
        relaxed, box = node.relaxed, node.box
        lost = self._mixing_loss(relaxed, box)
        if lost.any():
            at = np.unravel_index(int(np.argmax(lost)), lost.shape)
            width = box.high - box.low
            middle = np.clip(relaxed.mean[at], box.low[at] + MIN_SIDE * width[at], box.high[at] - MIN_SIDE * width[at])
            return _halves(box, at, float(middle), float(middle))
        if relaxed.fractionality.max() <= MIN_FRACTIONALITY:
            return None
        i, j = np.unravel_index(int(np.argmax(relaxed.fractionality)), lost.shape)
        caps = self.problem.classes.caps[j]
        inside = caps[(caps > box.low[i, j]) & (caps < box.high[i, j])]
        if inside.size == 0:
            return None
        cap = float(inside[np.argmin(np.abs(inside - relaxed.mean[i, j]))])
        # A content counts as above a cap only beyond rounding: the upper half starts there.
        return _halves(box, (i, j), cap, min(cap * (1.0 + 4e-12), float(box.high[i, j])))


def _halves(box: Box, at: tuple[np.intp, ...], below: float, above: float) -> tuple[Box, Box]:
    low, high = box.low.copy(), box.high.copy()
    high[at] = below
    low[at] = above
    return Box(box.low, high), Box(low, box.high)
