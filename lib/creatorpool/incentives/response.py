"""The quality that a creator chooses: the global maximum of utility, with proof (formulas §3.4, §6.4; S4 (7)–(10)).

Utility may have two peaks, so a root of the first-order condition need not be the maximum. The search bounds utility
from above on cells of [0, 1] and splits cells until no bound exceeds the best point found by more than a tolerance. It
assumes only that the pass probability does not fall and that the cost is convex. On [a, b] the utility is at most the
largest of ``r q (N + G0) + (r ΔG q + B) π − (tangent of c)`` over q in {a, b} and π in {π(a), π(b)}, because this is
linear in each. If the model knows that π is convex or concave on the cell, a chord or a tangent replaces π, and the
bound's error falls with the square of the cell's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.payoffs import creator_utility, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.types import Booleans, Curve, Floats, Integers

FIRST_CELLS = 24
# Number of times a cell can be halved.
MAX_DEPTH = 40
# A flat utility could keep every cell open; with more cells for one policy the search stops without a proof.
MAX_CELLS_PER_POLICY = 20_000
MAX_STEPS = 60
PRECISION = 1e-15
# Newton's steps stop within 2 PRECISION of an end that U′ points to; so near an end, the answer is the end itself.
AT_END = 10 * PRECISION
# If utilities differ by less than this part of their terms, U′ decides between them, not rounding.
ROUNDING = 1e-14


@dataclass(frozen=True)
class BestResponse:
    """Best responses, one per policy, of the policies' shape."""

    quality: Floats
    """q̂"""
    utility: Floats
    """U(q̂)"""
    gap: Floats
    """no quality gives more than U(q̂) + gap; proved"""
    low: Floats
    """every maximiser lies within [low, high]; proved"""
    high: Floats
    certified: Booleans
    """whether the gap is below the tolerance"""


def best_response(policy: Policy, cost: Curve) -> Floats:
    """The creator's best response q̂: the q in [0, 1] that maximises ``r q E(q) + B π(q) − c(q)``, corners included.

    Parameters
    ----------
    policy : Policy
        One policy or an array of them.
    cost : QuadraticCost, PowerCost or any object with `value`, `slope` and `curvature`
        The creators' cost, convex.

    Returns
    -------
    float64 array
        Of the policies' shape, or a scalar; exactly 0 or 1 at a corner. `certified_response` also returns the proof.
    """
    return certified_response(policy, cost).quality


def first_best(policy: Policy, cost: Curve) -> Floats:
    """The planner's quality q*: the q in [0, 1] that maximises ``q E(q) − c(q)`` (formulas §3.4, S4 (9), (10)).

    Arguments and result as in `best_response`; bounty and revenue share do not matter.
    """
    return best_response(planner(policy), cost)


def planner(policy: Policy) -> Policy:
    """The policy with revenue share 1 and no bounty, under which the creator's objective is the planner's."""
    return replace(policy, revenue_share=np.ones(policy.shape), bounty=np.zeros(policy.shape))


def certified_response(policy: Policy, cost: Curve, tolerance: float = 1e-6) -> BestResponse:
    """Best responses with the proof that they are global.

    Parameters
    ----------
    policy, cost
        As `best_response`.
    tolerance : float
        The gap to prove, in [1e-12, 0.1], as a part of the creator's gain over quality 0.

    Returns
    -------
    BestResponse
        `quality` is a local maximum, to float precision, inside the proved region.

    Raises
    ------
    InputError
        If the tolerance is out of range.
    """
    checked_numbers("tolerance", tolerance, 1e-12, 0.1)
    flat = policy.flat()
    region = _search(flat, cost, tolerance)
    peaks = _polished(flat, cost, region)
    order = np.lexsort((-peaks.utility, peaks.policy))
    first = order[np.unique(peaks.policy[order], return_index=True)[1]]
    quality, utility = peaks.quality[first], peaks.utility[first]
    size = flat.shape[0]
    low, high, bound = np.full(size, np.inf), np.full(size, -np.inf), np.full(size, -np.inf)
    alive = peaks.bound >= utility[peaks.policy]
    np.minimum.at(low, peaks.policy[alive], peaks.low[alive])
    np.maximum.at(high, peaks.policy[alive], peaks.high[alive])
    np.maximum.at(bound, peaks.policy, peaks.bound)
    gap = np.maximum(bound - utility, 0.0)
    shape = policy.shape
    return BestResponse(
        quality=quality.reshape(shape)[()],
        utility=utility.reshape(shape)[()],
        gap=gap.reshape(shape)[()],
        low=np.minimum(low, quality).reshape(shape)[()],
        high=np.maximum(high, quality).reshape(shape)[()],
        certified=region.closed.reshape(shape)[()],
    )


class _Cells(NamedTuple):
    policy: Integers
    low: Floats
    high: Floats
    pass_low: Floats
    pass_high: Floats

    def at(self, index: Booleans | Integers) -> _Cells:
        return _Cells(
            self.policy[index], self.low[index], self.high[index], self.pass_low[index], self.pass_high[index]
        )

    @staticmethod
    def joined(parts: Sequence[_Cells]) -> _Cells:
        return _Cells(
            np.concatenate([part.policy for part in parts]),
            np.concatenate([part.low for part in parts]),
            np.concatenate([part.high for part in parts]),
            np.concatenate([part.pass_low for part in parts]),
            np.concatenate([part.pass_high for part in parts]),
        )


class _Region(NamedTuple):
    """Cells that may hold a maximiser, and whether the search closed for each policy."""

    cells: _Cells
    bound: Floats
    closed: Booleans


class _Peaks(NamedTuple):
    policy: Integers
    low: Floats
    high: Floats
    bound: Floats
    quality: Floats
    utility: Floats


def _search(policy: Policy, cost: Curve, tolerance: float) -> _Region:
    size = policy.shape[0]
    cells, best = _first_cells(policy, cost)
    worth = policy.revenue_share * (policy.mass + np.maximum(policy.g0, policy.g1)) + policy.bounty
    ends = np.zeros(size), np.ones(size)
    at_zero = creator_utility(policy, cost, ends[0], _passes(policy, ends[0]))
    worth = worth + cost.value(ends[1]) - cost.value(ends[0])
    closed = np.ones(size, dtype=np.bool_)
    kept: list[_Cells] = []
    bounds: list[Floats] = []
    for depth in range(MAX_DEPTH + 1):
        bound = _upper_bound(policy, cost, cells)
        alive = bound >= best[cells.policy]
        cells, bound = cells.at(alive), bound[alive]
        excess = tolerance * np.maximum(best - at_zero, 1e-3 * worth)
        crowded = np.bincount(cells.policy, minlength=size) > MAX_CELLS_PER_POLICY
        is_open = bound - best[cells.policy] > excess[cells.policy]
        stop = ~is_open | crowded[cells.policy] | (depth == MAX_DEPTH)
        closed[cells.policy[is_open & stop]] = False
        kept.append(cells.at(stop))
        bounds.append(bound[stop])
        if stop.all():
            break
        cells = _halved(policy, cost, cells.at(~stop), best)
    return _Region(_Cells.joined(kept), np.concatenate(bounds), closed)


def _first_cells(policy: Policy, cost: Curve) -> tuple[_Cells, Floats]:
    """Cells of equal width for each policy, and each policy's best utility at their ends."""
    ends = np.linspace(0.0, 1.0, FIRST_CELLS + 1)
    size = policy.shape[0]
    which, q = np.repeat(np.arange(size), ends.size), np.tile(ends, size)
    passes = _passes(policy.take(which), q)
    utility = creator_utility(policy.take(which), cost, q, passes).reshape(size, -1)
    by_policy, at = passes.reshape(size, -1), q.reshape(size, -1)
    left, right, pass_left, pass_right = (
        part.reshape(-1) for part in (at[:, :-1], at[:, 1:], by_policy[:, :-1], by_policy[:, 1:])
    )
    owner = np.repeat(np.arange(size), FIRST_CELLS)
    return _Cells(owner, left, right, pass_left, pass_right), utility.max(axis=1)


def _halved(policy: Policy, cost: Curve, cells: _Cells, best: Floats) -> _Cells:
    """Both halves of each cell; updates `best` in place where a cell's middle is better."""
    middle = 0.5 * (cells.low + cells.high)
    here = policy.take(cells.policy)
    passes = _passes(here, middle)
    np.maximum.at(best, cells.policy, creator_utility(here, cost, middle, passes))
    left = _Cells(cells.policy, cells.low, middle, cells.pass_low, passes)
    right = _Cells(cells.policy, middle, cells.high, passes, cells.pass_high)
    return _Cells.joined([left, right])


def _upper_bound(policy: Policy, cost: Curve, cells: _Cells) -> Floats:
    here = policy.take(cells.policy)
    middle = 0.5 * (cells.low + cells.high)
    level, slope = cost.value(middle), cost.slope(middle)
    stakes = [here.revenue_share * here.spread * q + here.bounty for q in (cells.low, cells.high)]
    ceilings = _pass_ceilings(here, cells, middle)
    bound = np.full(middle.shape, -np.inf)
    for q, stake, ceiling in zip((cells.low, cells.high), stakes, ceilings, strict=True):
        sure = here.revenue_share * q * (here.mass + here.g0) - level - slope * (q - middle)
        bound = np.maximum(bound, sure + np.maximum(stake * ceiling, stake * cells.pass_low))
    # Between its ends, a product of two linear functions exceeds its end values by at most −¼ · Δfirst · Δsecond.
    bulge = -0.25 * (stakes[1] - stakes[0]) * (ceilings[1] - ceilings[0])
    return bound + np.maximum(bulge, 0.0)


def _pass_ceilings(policy: Policy, cells: _Cells, middle: Floats) -> tuple[Floats, Floats]:
    """Values at both ends of the cell of a linear function that is never below π on the cell."""
    flex = policy.model.inflexion(policy.n, policy.k)
    if flex is None:
        return cells.pass_high, cells.pass_high
    rise = 0.5 * (cells.high - cells.low) * policy.model.evaluate(middle, policy.n, policy.k).slope
    at_middle = _passes(policy, middle)
    convex, concave = cells.high <= flex, cells.low >= flex
    # A falling stake would need a lower bound of π; the constant ceiling and π(a) hold in any case.
    simple = (policy.spread < 0) | ~(convex | concave)
    left = np.where(convex, cells.pass_low, at_middle - rise)
    right = np.where(convex, cells.pass_high, at_middle + rise)
    return np.where(simple, cells.pass_high, left), np.where(simple, cells.pass_high, right)


def _polished(policy: Policy, cost: Curve, region: _Region) -> _Peaks:
    """One maximum for each run of adjoining cells, by safeguarded Newton steps on U′ between the run's ends."""
    order = np.lexsort((region.cells.low, region.cells.policy))
    cells, bound = region.cells.at(order), region.bound[order]
    starts = np.ones(order.size, dtype=np.bool_)
    starts[1:] = (cells.policy[1:] != cells.policy[:-1]) | (cells.low[1:] > cells.high[:-1])
    first = np.flatnonzero(starts)
    last = np.append(first[1:], order.size) - 1
    which, low, high = cells.policy[first], cells.low[first], cells.high[last]
    here = policy.take(which)
    candidates = np.stack([critical_point(here, cost, low, high), low, high])
    utility = np.stack([creator_utility(here, cost, q, _passes(here, q)) for q in candidates])
    lead = ROUNDING * (utility[0] + 2.0 * cost.value(candidates[0]))
    # A corner that U′ points to wins ties; any other end of a run must be better by more than rounding.
    held = (low == 0) & (_marginal(here, cost, low) <= 0), (high == 1) & (_marginal(here, cost, high) >= 0)
    scores = [utility[0], *(u + np.where(is_held, lead, -lead) for u, is_held in zip(utility[1:], held, strict=True))]
    chosen = np.stack(scores).argmax(axis=0), np.arange(which.size)
    return _Peaks(which, low, high, np.maximum.reduceat(bound, first), candidates[chosen], utility[chosen])


def _marginal(policy: Policy, cost: Curve, q: Floats) -> Floats:
    """U′(q)."""
    return payoffs(policy, cost, q).private_gain - cost.slope(q)


def critical_point(policy: Policy, cost: Curve, low: Floats, high: Floats) -> Floats:
    """The point between `low` and `high` where U′ falls through 0, or the end that U′ points to; arrays of one shape.

    Newton's steps inside a bracket, with bisection where they leave it.
    """
    bottom, top = low, high
    q = 0.5 * (low + high)
    # Each point stops on its own, so that its answer does not depend on the other points; stopped points cost nothing.
    moving = np.arange(low.size)
    for _ in range(MAX_STEPS):
        here = policy if policy.shape == () else policy.take(moving)
        following, low, high, has_stopped = _newton_step(here, cost, q[moving], low, high)
        q[moving] = following
        moving, low, high = moving[~has_stopped], low[~has_stopped], high[~has_stopped]
        if moving.size == 0:
            break
    # An end may be a corner, which has other conditions; a point just beside it would look like an interior optimum.
    return np.where(top - q <= AT_END, top, np.where(q - bottom <= AT_END, bottom, q))


def _newton_step(
    policy: Policy, cost: Curve, q: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats, Floats, Booleans]:
    """The next points, their brackets, and whether each has converged."""
    at = payoffs(policy, cost, q)
    marginal, curvature = at.private_gain - cost.slope(q), at.private_curvature - cost.curvature(q)
    low, high = np.where(marginal > 0, q, low), np.where(marginal > 0, high, q)
    newton = q - marginal / np.where(curvature < 0, curvature, -1.0)
    is_safe = (curvature < 0) & (newton > low) & (newton < high)
    following = np.where(marginal == 0, q, np.where(is_safe, newton, 0.5 * (low + high)))
    return following, low, high, np.abs(following - q) <= PRECISION


def _passes(policy: Policy, q: Floats) -> Floats:
    return policy.model.probability(q, policy.n, policy.k)
