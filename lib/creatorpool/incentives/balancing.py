"""Balanced exploration: test, bar, mass and bounty of every segment under common budgets (formulas §3.8, S4 D.4).

The program is not concave: best responses jump, and n and k are whole numbers. The search has three steps:

1. An integer program picks one policy per segment from grids over the whole range. The grids include the edges at which
   creators change peak.
2. The same on finer grids around the choice, several times.
3. Mass and bounty move off the grid. The move counts only if a global search of the creators' responses confirms it.

Nothing proves that the result is the best; the tests compare it with fine grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.continuous_step import ContinuousStep, lead_gradient
from creatorpool.incentives.kuhn_tucker import PricedPoint, ShadowPrices, shadow_prices
from creatorpool.incentives.menu import Budgets, Choice, Menu, best_choice, build_menu, menu_of
from creatorpool.incentives.peaks import branch_near
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.statics import gains_at
from creatorpool.incentives.types import Curve, Floats

MASS_POINTS = 9
BOUNTY_POINTS = 13
ZOOMS = 3
# The continuous step may exceed a budget by this part of it, because of rounding.
TOLERANCE = 1e-9
AT_BOUND = 1e-6
# A creator who prefers a peak by less than this part of the utility is about to change to the rival peak.
EDGE = 1e-5


@dataclass(frozen=True)
class SegmentRange:
    """What the program may choose for a segment."""

    tests: tuple[tuple[int, int], ...]
    """pairs (n, k)"""
    mass: tuple[float, float]
    """least and largest N"""
    bounty: tuple[float, float]
    """least and largest B"""

    @staticmethod
    def around(policy: Policy, cash: float) -> SegmentRange:
        """n and k at most 1 from the policy's, N up to n, B up to n + G1, the most that a pass is worth."""
        n, k = int(policy.n), int(policy.k)
        tests = tuple(
            (size, bar)
            for size in (n - 1, n, n + 1)
            for bar in (k - 1, k, k + 1)
            if size >= 1 and 1 <= bar <= policy.model.largest_bar(np.asarray(size))
        )
        return SegmentRange(tests, (0.0, float(n)), (0.0, 0.0 if cash == 0 else float(n + policy.g1)))


@dataclass(frozen=True)
class Balance:
    """The balanced policies and their prices."""

    policies: tuple[Policy, ...]
    """one per segment"""
    quality: Floats
    """(s,) q̂ under each"""
    value: float
    """Σ share · V, platform value per entrant"""
    used: Budgets
    prices: ShadowPrices
    grid_bound: float
    """upper bound on the value of every mixture of the last grids' policies"""


def balance(
    policies: Policy | Sequence[Policy],
    shares: ArrayLike,
    budgets: Budgets | tuple[float, float],
    cost: Curve | Sequence[Curve],
    *,
    ranges: Sequence[SegmentRange] | None = None,
) -> Balance:
    """Maximise ``Σ_s share_s V_s(q̂_s)`` subject to ``Σ share N <= N̄`` and ``Σ share B π(q̂) <= B̄``.

    Parameters
    ----------
    policies : Policy of shape (s,), or sequence of s single policies
        Today's policies. They give G0, G1, r and the model of each segment, and the ranges by default.
    shares : (s,) array_like
        Share of entrants of each segment, > 0, with sum 1.
    budgets : Budgets
        (N̄, B̄): discounted impressions and expected payout per entrant, >= 0.
    cost : cost or sequence of s costs
        The creators' costs: one for all segments, or one per segment.
    ranges : sequence of s SegmentRange, optional
        Ranges of the choice; by default `SegmentRange.around` each policy.

    Returns
    -------
    Balance
        The policies, in the order given, with their value, their use of the budgets and the shadow prices.

    Raises
    ------
    InputError
        If an argument is out of range, or the least masses and bounties exceed the budgets.
    """
    segments = _segments(policies)
    weight, limits = _checked(segments, shares, budgets)
    costs = list(cost) if isinstance(cost, Sequence) else [cost] * len(segments)
    spans = [SegmentRange.around(p, limits.cash) for p in segments] if ranges is None else list(ranges)
    if not len(segments) == len(costs) == len(spans):
        raise InputError(f"{len(segments)} segments need as many costs and ranges, got {len(costs)} and {len(spans)}")
    program = _Program(segments, costs, spans, weight, limits)
    menus, choice = program.search()
    chosen = [_chosen(p, m, int(at)) for p, m, at in zip(segments, menus, choice.index, strict=True)]
    return program.result_of(program.refined(chosen), choice.bound)


@dataclass(frozen=True)
class _Program:
    segments: list[Policy]
    costs: list[Curve]
    ranges: list[SegmentRange]
    shares: Floats
    budgets: Budgets

    def search(self) -> tuple[list[Menu], Choice]:
        """Menus and the best choice from them: over the whole range first, then on finer grids around the choice."""
        menus = [
            build_menu(p, c, r.tests, _grid(r.mass, MASS_POINTS), _grid(r.bounty, BOUNTY_POINTS), edges=True)
            for p, c, r in zip(self.segments, self.costs, self.ranges, strict=True)
        ]
        choice = best_choice(menus, self.shares, self.budgets)
        for zoom in range(1, ZOOMS + 1):
            menus = [self._finer_menu(s, menus[s], int(choice.index[s]), 4.0**-zoom) for s in range(len(menus))]
            choice = best_choice(menus, self.shares, self.budgets)
        return menus, choice

    def _finer_menu(self, s: int, menu: Menu, at: int, scale: float) -> Menu:
        """The chosen item and, for every test, a finer grid around its mass and bounty."""
        grids = []
        for (low, high), centre, points in (
            (self.ranges[s].mass, menu.mass[at], MASS_POINTS),
            (self.ranges[s].bounty, menu.bounty[at], BOUNTY_POINTS),
        ):
            reach = (high - low) * 2.0 / (points - 1) * 4.0 * scale
            grids.append(np.unique(np.clip(np.linspace(centre - reach, centre + reach, 9), low, high)))
        finer = build_menu(self.segments[s], self.costs[s], self.ranges[s].tests, *grids)
        return Menu.joined([menu.at(np.array([at])), finer])

    def totals(self, policies: Sequence[Policy]) -> tuple[float, Budgets, Floats]:
        """Value, use of the budgets, and (s,) qualities under one policy per segment."""
        items = [
            menu_of(p, c, np.atleast_1d(p.n), np.atleast_1d(p.k), np.atleast_1d(p.mass), np.atleast_1d(p.bounty))
            for p, c in zip(policies, self.costs, strict=True)
        ]
        value, mass, spend, quality = (
            np.array([getattr(item, name)[0] for item in items]) for name in ("value", "mass", "spend", "quality")
        )
        used = Budgets(float(self.shares @ mass), float(self.shares @ spend))
        return float(self.shares @ value), used, quality

    def refined(self, chosen: list[Policy]) -> list[Policy]:
        """Move mass and bounty off the grid, if a global search confirms that this gains and fits the budgets."""
        value, _, quality = self.totals(chosen)
        spans = np.array([*(r.mass for r in self.ranges), *(r.bounty for r in self.ranges)])
        moved = ContinuousStep(chosen, self.costs, quality, spans, self.shares, self.budgets).solve()
        moved_value, used, _ = self.totals(moved)
        fits = all(use <= limit + TOLERANCE * (1 + limit) for use, limit in zip(used, self.budgets, strict=True))
        return moved if fits and moved_value >= value else chosen

    def result_of(self, policies: list[Policy], bound: float) -> Balance:
        """The result with its shadow prices."""
        value, used, quality = self.totals(policies)
        branches = [branch_near(p, c, q) for p, c, q in zip(policies, self.costs, quality, strict=True)]
        points = [
            PricedPoint(gains_at(p, c, b.at), lead_gradient(p, b) if b.lead <= EDGE * (1 + abs(b.at.creator)) else None)
            for p, c, b in zip(policies, self.costs, branches, strict=True)
        ]
        bounds = [
            [_side(float(p.mass), r.mass), _side(float(p.bounty), r.bounty)]
            for p, r in zip(policies, self.ranges, strict=True)
        ]
        prices = shadow_prices(points, used, self.budgets, np.array(bounds))
        return Balance(tuple(policies), quality, value, used, prices, bound)


def _grid(span: tuple[float, float], points: int) -> Floats:
    """Equally spaced points over a range; one point if the range has no width."""
    return np.unique(np.linspace(*span, points))


def _segments(policies: Policy | Sequence[Policy]) -> list[Policy]:
    if isinstance(policies, Policy):
        flat = policies.flat()
        return [flat.take(np.asarray(s)) for s in range(flat.shape[0])]
    return list(policies)


def _checked(segments: list[Policy], shares: ArrayLike, budgets: tuple[float, float]) -> tuple[Floats, Budgets]:
    weight = checked_numbers("shares", shares, 0.0, 1.0).reshape(-1)
    if weight.size != len(segments) or weight.size == 0:
        raise InputError(f"shares must hold one number per segment, {len(segments)}, got {weight.size}")
    if (weight == 0).any() or abs(weight.sum() - 1.0) > 1e-6:
        raise InputError(f"shares must be > 0 and sum to 1, got a sum of {weight.sum()}")
    if any(policy.shape != () for policy in segments):
        raise InputError("a sequence of policies must hold one single policy per segment, not arrays of policies")
    limits = checked_numbers("budgets", budgets, 0.0)
    if limits.shape != (2,):
        raise InputError(f"budgets must be the pair (impressions, cash), got shape {limits.shape}")
    return weight, Budgets(float(limits[0]), float(limits[1]))


def _chosen(policy: Policy, menu: Menu, at: int) -> Policy:
    return replace(policy, n=menu.n[at], k=menu.k[at], mass=menu.mass[at], bounty=menu.bounty[at])


def _side(value: float, span: tuple[float, float]) -> float:
    room = AT_BOUND * max(span[1] - span[0], AT_BOUND)
    return -1.0 if value <= span[0] + room else 1.0 if value >= span[1] - room else 0.0
