"""Menus: a segment's possible policies on a grid, with value and use of the budgets; the best choice from all menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from creatorpool.errors import InputError
from creatorpool.incentives.payoffs import payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import certified_response
from creatorpool.incentives.types import Booleans, Curve, Floats, Integers

# Proof of a grid point's best response. A finer proof would exceed the grid's resolution.
MENU_PROOF = 1e-4
# Gap of the integer program: with a hundred segments the last digits of the value take most of the time. The limit is
# on nodes, not on seconds, so that every machine gives the same answer.
PROGRAM_GAP = 1e-4
PROGRAM_NODES = 500
# If the best responses to two neighbours of the grid differ by more, they may lie on two peaks of utility.
JUMP = 0.05
EDGE_HALVINGS = 10
# Rounding error of a bound, as a part of it.
ROUNDING = 1e-9


class Budgets(NamedTuple):
    """Budgets per entrant, on average."""

    impressions: float
    """N̄: discounted test impressions"""
    cash: float
    """B̄: expected bounty payout"""


@dataclass(frozen=True)
class Menu:
    """Policies of one segment, (m,) arrays."""

    n: Integers
    k: Integers
    mass: Floats
    bounty: Floats
    quality: Floats
    """q̂: the best response to each"""
    value: Floats
    """V(q̂): platform value per entrant"""
    spend: Floats
    """B π(q̂): expected payout per entrant"""

    def at(self, index: Integers | Booleans) -> Menu:
        """The items at `index`, positions or a mask."""
        return Menu(
            self.n[index],
            self.k[index],
            self.mass[index],
            self.bounty[index],
            self.quality[index],
            self.value[index],
            self.spend[index],
        )

    @staticmethod
    def joined(parts: Sequence[Menu]) -> Menu:
        """The concatenation of menus."""
        return Menu(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Menu)))

    @staticmethod
    def where(is_first: Booleans, first: Menu, second: Menu) -> Menu:
        """Each item from `first` where `is_first`, else from `second`."""
        return Menu(
            *(np.where(is_first, getattr(first, field.name), getattr(second, field.name)) for field in fields(Menu))
        )


@dataclass(frozen=True)
class Choice:
    """One item from each menu."""

    index: Integers
    """(s,) positions in the menus"""
    value: float
    """Σ share · value"""
    bound: float
    """upper bound on the value of every choice from these menus, mixtures included"""


def build_menu(
    policy: Policy, cost: Curve, tests: ArrayLike, masses: ArrayLike, bounties: ArrayLike, *, edges: bool = False
) -> Menu:
    """All combinations of (t, 2) tests (n, k), masses and bounties for one segment; other terms are those of `policy`.

    With `edges`, the menu also has the masses and bounties, between neighbours of the grid, at which creators change
    peak: the least value at which the better peak wins is often the best (formulas §6.4).
    """
    pairs = np.asarray(tests, dtype=np.int64).reshape(-1, 2)
    axes = np.arange(len(pairs)), np.asarray(masses, dtype=np.float64), np.asarray(bounties, dtype=np.float64)
    which, mass, bounty = np.meshgrid(*axes, indexing="ij")
    test = pairs[which.reshape(-1)]
    menu = menu_of(policy, cost, test[:, 0], test[:, 1], mass.reshape(-1), bounty.reshape(-1))
    if not edges:
        return menu
    place = np.arange(menu.n.size).reshape(which.shape)
    low = np.concatenate([place[:, :-1].reshape(-1), place[:, :, :-1].reshape(-1)])
    high = np.concatenate([place[:, 1:].reshape(-1), place[:, :, 1:].reshape(-1)])
    return Menu.joined([menu, *_edges(policy, cost, menu.at(low), menu.at(high))])


def _edges(policy: Policy, cost: Curve, low: Menu, high: Menu) -> list[Menu]:
    """Items between neighbours at which the best response jumps, by bisection."""
    found: list[Menu] = []
    for _ in range(EDGE_HALVINGS):
        is_apart = np.abs(high.quality - low.quality) > JUMP
        low, high = low.at(is_apart), high.at(is_apart)
        if low.n.size == 0:
            break
        mass, bounty = 0.5 * (low.mass + high.mass), 0.5 * (low.bounty + high.bounty)
        middle = menu_of(policy, cost, low.n, low.k, mass, bounty)
        found.append(middle)
        in_low_half = np.abs(middle.quality - low.quality) >= np.abs(high.quality - middle.quality)
        low, high = Menu.where(in_low_half, low, middle), Menu.where(in_low_half, middle, high)
    return found


def menu_of(policy: Policy, cost: Curve, n: Integers, k: Integers, mass: Floats, bounty: Floats) -> Menu:
    """A menu from (m,) arrays of its items."""
    items = Policy(mass, n, k, bounty, policy.g0, policy.g1, policy.revenue_share, policy.model)
    response = certified_response(items, cost, MENU_PROOF)
    at = payoffs(items, cost, response.quality)
    return Menu(n, k, mass, bounty, response.quality, at.platform, bounty * at.probability)


def best_choice(menus: Sequence[Menu], shares: Floats, budgets: Budgets) -> Choice:
    """The items, one per segment, of the largest total value within both budgets, by an integer program.

    Parameters
    ----------
    menus : sequence of s Menu
        One per segment.
    shares : (s,) array
        Share of entrants of each segment.
    budgets : Budgets
        Limits on Σ share · mass and Σ share · spend.

    Returns
    -------
    Choice
        Optimal up to the relative gap `PROGRAM_GAP`, unless `PROGRAM_NODES` ends the search earlier.

    Raises
    ------
    InputError
        If no choice meets the budgets.
    """
    kept = [np.flatnonzero(_undominated(menu)) for menu in menus]
    whole = _program_of([menu.at(index) for menu, index in zip(menus, kept, strict=True)], shares, budgets)
    relaxed = whole.relaxed()
    if relaxed is None:
        raise _infeasible(budgets)
    start = _rounded(whole, relaxed.weight)
    worth = -np.inf if start is None else float(whole.value[start].sum())
    # An item whose loss exceeds the gap between the bound and the best known value is in no better choice.
    rivals = np.flatnonzero(relaxed.loss <= max(relaxed.bound - worth, 0.0) + ROUNDING * abs(relaxed.bound))
    picked = _exact(whole.at(rivals))
    if picked is not None:
        picked = rivals[picked]
    if picked is None or (start is not None and whole.value[picked].sum() < worth):
        picked = start
    if picked is None:
        raise _infeasible(budgets)
    index = np.concatenate(kept)[picked]
    return Choice(index, float(whole.value[picked].sum()), relaxed.bound)


def _infeasible(budgets: Budgets) -> InputError:
    return InputError(
        f"no policies from the menus meet the budgets per entrant of {budgets.impressions} impressions and "
        f"{budgets.cash} of bounty: raise the budgets, or allow smaller masses and bounties"
    )


@dataclass(frozen=True)
class _Program:
    """Integer program that picks one item of each segment: (m,) arrays over all items, in order of segments."""

    segment: Integers
    value: Floats
    """share · value"""
    uses: Floats
    """(2, m) share · mass and share · spend"""
    limits: Floats
    """(2,)"""

    def at(self, index: Integers) -> _Program:
        return _Program(self.segment[index], self.value[index], self.uses[:, index], self.limits)

    @property
    def segments(self) -> int:
        return int(self.segment[-1]) + 1

    @property
    def membership(self) -> csr_array:
        """(s, m) indicator of each segment's items."""
        entries = np.ones(self.segment.size), (self.segment, np.arange(self.segment.size))
        return csr_array(entries, shape=(self.segments, self.segment.size))

    def relaxed(self) -> _Relaxed | None:
        """The best mixture of items; None if no mixture meets the limits."""
        answer = linprog(
            -self.value, A_ub=self.uses, b_ub=self.limits, A_eq=self.membership, b_eq=np.ones(self.segments)
        )
        if answer.x is None:
            return None
        # `top` is the value of each segment's best item less its priced uses; others lose the difference.
        prices = np.maximum(-answer.ineqlin.marginals, 0.0)
        priced = self.value - prices @ self.uses
        top = np.full(self.segments, -np.inf)
        np.maximum.at(top, self.segment, priced)
        bound = float(top.sum() + prices @ self.limits)
        return _Relaxed(answer.x, bound, top[self.segment] - priced)


class _Relaxed(NamedTuple):
    weight: Floats
    """(m,) weight of each item in the mixture"""
    bound: float
    """upper bound on every choice, by weak duality"""
    loss: Floats
    """(m,) amount by which the bound is lower for choices with this item"""


def _program_of(menus: Sequence[Menu], shares: Floats, budgets: Budgets) -> _Program:
    segment = np.repeat(np.arange(len(menus)), [menu.n.size for menu in menus])
    value, mass, spend = (
        shares[segment] * np.concatenate([getattr(menu, name) for menu in menus]) for name in ("value", "mass", "spend")
    )
    return _Program(segment, value, np.stack([mass, spend]), np.asarray(budgets, dtype=np.float64))


def _rounded(program: _Program, weight: Floats) -> Integers | None:
    """Round a mixture: each segment takes its heaviest item, and the two most mixed segments the best pair that fits.

    A basic solution mixes at most as many segments as there are limits, two. None if no pair fits.
    """
    by_segment = np.split(np.arange(program.segment.size), np.flatnonzero(np.diff(program.segment)) + 1)
    chosen = np.array([rows[np.argmax(weight[rows])] for rows in by_segment])
    mixed = np.argsort(weight[chosen], kind="stable")[:2]
    left = program.limits - np.delete(program.uses[:, chosen], mixed, axis=1).sum(axis=1)
    if mixed.size < 2:
        fits = np.all(program.uses <= left[:, None], axis=0)
        return np.array([int(np.argmax(np.where(fits, program.value, -np.inf)))]) if fits.any() else None
    first, second = (by_segment[s] for s in mixed)
    uses = program.uses[:, first, None] + program.uses[:, None, second]
    worth = np.where(
        np.all(uses <= left[:, None, None], axis=0), program.value[first][:, None] + program.value[second], -np.inf
    )
    a, b = np.unravel_index(int(np.argmax(worth)), worth.shape)
    if worth[a, b] == -np.inf:
        return None
    chosen[mixed] = first[a], second[b]
    return chosen


def _exact(program: _Program) -> Integers | None:
    """Items of the best choice, one per segment, up to `PROGRAM_GAP`; None if the solver found none."""
    limits = [LinearConstraint(program.membership, 1, 1), LinearConstraint(program.uses, -np.inf, program.limits)]
    answer = milp(
        -program.value,
        integrality=np.ones(program.value.size),
        bounds=Bounds(0, 1),
        constraints=limits,
        options={"mip_rel_gap": PROGRAM_GAP, "node_limit": PROGRAM_NODES},
    )
    if answer.x is None:
        return None
    starts = np.flatnonzero(np.diff(program.segment, prepend=-1))
    ends = np.append(starts[1:], program.segment.size)
    return np.array([a + int(np.argmax(answer.x[a:b])) for a, b in zip(starts, ends, strict=True)])


def _undominated(menu: Menu) -> Booleans:
    """Items that no other matches in value with no more use of both resources; of equal items the first."""
    order = np.lexsort((menu.spend, menu.mass, -menu.value))
    keep = np.zeros(menu.n.size, dtype=np.bool_)
    masses, spends = np.empty(0), np.empty(0)
    for item in order:
        if not ((masses <= menu.mass[item]) & (spends <= menu.spend[item])).any():
            keep[item] = True
            masses, spends = np.append(masses, menu.mass[item]), np.append(spends, menu.spend[item])
    return keep
