"""A segment's possible policies on a grid, each with what it is worth and uses; the best choice from all menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_diag, csr_array

from creatorpool.errors import InputError
from creatorpool.incentives.payoffs import payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import certified_response
from creatorpool.incentives.types import Booleans, Curve, Floats, Integers

# A grid point's value need not be proved more finely than the grid resolves it.
MENU_PROOF = 1e-4
# Nor need the program: on a hundred segments the last digits of the value take most of the time. A limit on
# nodes, and not on seconds, gives the same answer on every machine.
PROGRAM_GAP = 1e-4
PROGRAM_NODES = 500


class Budgets(NamedTuple):
    """What an entrant may use on average."""

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
    """V(q̂): platform value an entrant"""
    spend: Floats
    """B π(q̂): expected payout an entrant"""

    def at(self, index: Integers | Booleans) -> Menu:
        """Part of the menu."""
        return Menu(
            self.n[index],
            self.k[index],
            self.mass[index],
            self.bounty[index],
            self.quality[index],
            self.value[index],
            self.spend[index],
        )


@dataclass(frozen=True)
class Choice:
    """One item from each menu."""

    index: Integers
    """(s,) positions in the menus"""
    value: float
    """Σ share · value"""
    bound: float
    """no choice from these menus, not even a mixed one, is worth more"""


def build_menu(policy: Policy, cost: Curve, tests: ArrayLike, masses: ArrayLike, bounties: ArrayLike) -> Menu:
    """All combinations of (t, 2) tests (n, k), masses and bounties for one segment, the rest as in `policy`."""
    pairs = np.asarray(tests, dtype=np.int64).reshape(-1, 2)
    which, mass, bounty = (
        grid.reshape(-1) for grid in np.meshgrid(np.arange(len(pairs)), masses, bounties, indexing="ij")
    )
    return menu_of(policy, cost, pairs[which, 0], pairs[which, 1], mass, bounty)


def menu_of(policy: Policy, cost: Curve, n: Integers, k: Integers, mass: Floats, bounty: Floats) -> Menu:
    """A menu from (m,) arrays of its items."""
    items = Policy(mass, n, k, bounty, policy.g0, policy.g1, policy.revenue_share, policy.model)
    response = certified_response(items, cost, MENU_PROOF)
    at = payoffs(items, cost, response.quality)
    return Menu(n, k, mass, bounty, response.quality, at.platform, bounty * at.probability)


def best_choice(menus: Sequence[Menu], shares: Floats, budgets: Budgets) -> Choice:
    """The items, one a segment, of the largest total value within both budgets, to `PROGRAM_GAP`: integer programming.

    Parameters
    ----------
    menus : sequence of Menu
        One a segment.
    shares : (s,) array
        Share of entrants of each segment.
    budgets : Budgets
        Σ share · mass and Σ share · spend may not exceed them.

    Raises
    ------
    InputError
        If no choice meets the budgets.
    """
    kept = [np.flatnonzero(_undominated(menu)) for menu in menus]
    parts = [menu.at(index) for menu, index in zip(menus, kept, strict=True)]
    share = np.repeat(shares, [part.n.size for part in parts])
    value = share * np.concatenate([part.value for part in parts])
    uses = np.stack([share * np.concatenate([getattr(part, name) for part in parts]) for name in ("mass", "spend")])
    one_each = csr_array(block_diag([np.ones((1, part.n.size)) for part in parts]))
    limits = [LinearConstraint(one_each, 1, 1), LinearConstraint(uses, -np.inf, np.asarray(budgets))]
    exact = milp(
        -value,
        integrality=np.ones(value.size),
        bounds=Bounds(0, 1),
        constraints=limits,
        options={"mip_rel_gap": PROGRAM_GAP, "node_limit": PROGRAM_NODES},
    )
    if exact.x is None:
        raise InputError(f"no policies from the menus meet the budgets {budgets.impressions} and {budgets.cash}")
    relaxed = milp(-value, bounds=Bounds(0, 1), constraints=limits)
    starts = np.cumsum([0, *(part.n.size for part in parts)])
    chosen = [int(np.argmax(exact.x[a:b])) for a, b in pairwise(starts)]
    index = np.array([rows[at] for rows, at in zip(kept, chosen, strict=True)])
    total = sum(w * part.value[at] for w, part, at in zip(shares, parts, chosen, strict=True))
    return Choice(index, float(total), float(-relaxed.fun))


def _undominated(menu: Menu) -> Booleans:
    """Items that no other beats in value without using more of either resource; equal items keep the first."""
    order = np.lexsort((menu.spend, menu.mass, -menu.value))
    keep = np.zeros(menu.n.size, dtype=np.bool_)
    masses, spends = np.empty(0), np.empty(0)
    for item in order:
        if not ((masses <= menu.mass[item]) & (spends <= menu.spend[item])).any():
            keep[item] = True
            masses, spends = np.append(masses, menu.mass[item]), np.append(spends, menu.spend[item])
    return keep
