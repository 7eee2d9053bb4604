"""Whole micros under caps of creators: largest remainders of the pool, each creator within the cap (formulas §2.6).

Of all integer payouts that close the pool within the bounds of its videos and creators, the rule finds the nearest
ones: they minimise Σ (x - p)². A creator whose cap binds in the solution (η > 0) earns exactly the cap.

Proof by the greedy algorithm: one micro after another goes to the video of least x - p, and videos and creators at
their caps are passed over; under caps on disjoint groups this is optimal (Federgruen and Groenevelt, The greedy
procedure for resource allocation problems, Operations Research 34, 1986). Each micro's turn depends on its video
alone, so a video of creator g ends at the smaller of two numbers: what the pool's rule gives it without the cap, and
what it gets where cap_g is split over g's videos alone by the same rule. The second is computed first, for each creator
whose cap can be reached. As an upper bound of the video it leaves the rest to the pool's rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.kernels import group_cuts, group_rows, group_whole_sums
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.money import (
    LIMIT,
    RoundingRule,
    RowRules,
    apply_rounding,
    checked_amounts,
    exact_sum,
    find_shift,
    rounding_rule,
    whole_and_remainder,
)
from creatorpool.numerics.types import Floats, Integers


@dataclass(frozen=True)
class MicroBounds:
    """(n,) bounds of whole micros that keep videos and creators within their caps."""

    lower: Integers
    upper: Integers
    raised_ties: Integers
    """How many of the creator's rows tied with this one may get a micro more; 0 where not tied, or where settled"""


@dataclass(frozen=True)
class CreatorRounding:
    """How the caps of (C,) creators, each split over the creator's own videos, become whole micros: a rule each."""

    creator: NDArray[Any]
    """Labels, ascending"""
    shift: Integers
    threshold: Floats
    raised_ties: Integers
    is_met: NDArray[np.bool_]
    """Whether the creator earns exactly the cap, because it binds in the solution"""
    last_raised_id: NDArray[Any] | None = None
    """Of each creator's rows tied at the threshold, the last that may get a micro more; read only where ties are cut"""

    @property
    def has_open_ties(self) -> bool:
        """Whether ties are cut and the ids that cut them are not known yet."""
        return self.last_raised_id is None and bool(np.any(self.raised_ties))

    def bounds(
        self,
        payout: Floats,
        floor: NDArray[Any],
        cap: NDArray[Any],
        place: NDArray[np.intp],
        video_id: NDArray[Any],
    ) -> MicroBounds:
        """Bounds of any n rows of the pool, under which the pool's rule rounds them.

        Parameters
        ----------
        payout, floor, cap
            (n,), as for `rounding_rule`.
        place : (n,) int array
            Where the row's creator stands among these, -1 if not at all.
        video_id : (n,) array
            Ids.
        """
        p, lower, upper = checked_amounts(payout, 0, floor, cap)
        rows = np.flatnonzero(place >= 0)
        own, lo, hi = place[rows], lower[rows], upper[rows]
        rules = RowRules(self.shift[own], self.threshold[own], self.raised_ties[own])
        most, tied = apply_rounding(p[rows], rules, lo, hi)
        raised_ties = np.zeros(p.size, dtype=np.int64)
        cut = np.flatnonzero(tied)
        if self.last_raised_id is None:
            raised_ties[rows[cut]] = self.raised_ties[own[cut]]
        else:
            most[cut] += video_id[rows[cut]] <= self.last_raised_id[own[cut]]
        lower, upper = lower.copy(), upper.copy()
        lower[rows] = np.where(self.is_met[own], most, lo)
        upper[rows] = most
        return MicroBounds(lower, upper, raised_ties)

    def settled(self, raised_ties: Integers, place: NDArray[np.intp], video_id: NDArray[Any]) -> CreatorRounding:
        """Cut the ties by the ids of a whole pool's rows; arguments as `MicroBounds` and `bounds` have them."""
        rows = np.flatnonzero(raised_ties > 0)
        rows = rows[np.lexsort((video_id[rows], place[rows]))]
        cut = np.flatnonzero(self.raised_ties)
        last = rows[np.searchsorted(place[rows], cut) + self.raised_ties[cut] - 1]
        ids = np.zeros(self.creator.size, dtype=video_id.dtype)
        ids[cut] = video_id[last]
        return replace(self, last_raised_id=ids)


def creator_rounding(
    payout: Floats,
    total: int,
    floor: NDArray[Any],
    cap: NDArray[Any],
    creators: PoolCreators,
    binding: Integers,
) -> tuple[CreatorRounding | None, RoundingRule]:
    """Find the rules that bring a whole pool to integers: of creators whose caps can be reached, and of the pool.

    Parameters
    ----------
    payout, total, floor, cap
        As for `rounding_rule`, all >= 0.
    creators : PoolCreators
        Of the same rows; caps are whole micros or infinite.
    binding : (B,) int array
        Codes of the creators whose caps bind in the solution.

    Returns
    -------
    rounding : CreatorRounding or None
        Creators by code, ties not settled; None if no cap can be reached.
    rule : RoundingRule
        Of the pool, under the bounds that `rounding` gives.

    Raises
    ------
    InputError
        If no integers within the bounds sum to `total`.
    """
    pool = _WholePool.of(payout, floor, cap, creators)
    reach = 1
    while True:
        which = pool.reached(binding, reach)
        if which.size == 0:
            rounding, rule = None, rounding_rule(pool.payout, total, pool.lower, pool.upper)
        else:
            rounding, bounds = _payable(pool, pool.rules(which, np.isin(which, binding)), total)
            rule = rounding_rule(pool.payout, total, bounds.lower, bounds.upper)
        if rule.shift < reach:
            return rounding, rule
        reach = LIMIT  # the payouts' sum misses the total by a micro a row or more: any finite cap may be reached


def _payable(pool: _WholePool, rounding: CreatorRounding, total: int) -> tuple[CreatorRounding, MicroBounds]:
    bounds = pool.bounds(rounding)
    if exact_sum(bounds.lower) <= total:
        return rounding, bounds
    # At the limits of floats, caps can bind that sum to a few micros more than the pool: no cap need be earned whole.
    rounding = replace(rounding, is_met=np.zeros_like(rounding.is_met))
    return rounding, pool.bounds(rounding)


@dataclass(frozen=True)
class _WholePool:
    """All n rows of a pool ordered by creator, amounts split into whole micros and remainders."""

    payout: Floats
    whole: Integers
    remainder: Floats
    lower: Integers
    upper: Integers
    cap: Integers
    """(G,) micros, `LIMIT` where a creator has none"""
    first_row: Integers
    """(G + 1,): rows of creator g are first_row[g] to first_row[g + 1]"""

    @classmethod
    def of(cls, payout: Floats, floor: NDArray[Any], cap: NDArray[Any], creators: PoolCreators) -> _WholePool:
        first_row = np.concatenate(([0], np.cumsum(creators.videos)))
        order = group_rows(creators.code, first_row)
        p, lower, upper = checked_amounts(payout, 0, floor, cap)
        whole, remainder = whole_and_remainder(p[order])
        limit = np.minimum(creators.cap, float(LIMIT)).astype(np.int64)
        return cls(p[order], whole, remainder, lower[order], upper[order], limit, first_row)

    def sums(self, which: Integers, shift: Integers) -> Integers:
        """What each creator of `which` gets if every row gets its whole micros and the creator's `shift`."""
        return np.asarray(group_whole_sums(which, self.first_row, self.whole, shift, self.lower, self.upper, LIMIT))

    def reached(self, binding: Integers, reach: int) -> Integers:
        """Creators whose caps bind, or would be broken by `reach` micros more a row; ascending."""
        known = np.flatnonzero(self.cap < LIMIT)
        over = known[self.sums(known, np.full(known.size, reach)) > self.cap[known]]
        return np.union1d(over, binding).astype(np.int64)

    def rules(self, which: Integers, is_met: NDArray[np.bool_]) -> CreatorRounding:
        """The split of the cap of each creator of `which` over the creator's videos."""
        target = np.minimum(self.cap[which], self.sums(which, np.full(which.size, LIMIT)))
        shift = find_shift(lambda shift: self.sums(which, shift), target)
        missing = target - self.sums(which, shift)
        columns = (self.whole, self.remainder, shift, self.lower, self.upper)
        threshold, above, tied = group_cuts(which, self.first_row, *columns, missing)
        is_cut = above + tied > missing
        threshold = np.where(is_cut, threshold, np.nextafter(threshold, -np.inf))
        return CreatorRounding(which, shift, threshold, np.where(is_cut, missing - above, 0), is_met)

    def bounds(self, rounding: CreatorRounding) -> MicroBounds:
        """As `CreatorRounding.bounds`, of all rows, ties cut by position: their sums are those of any other cut."""
        place_of = np.full(self.cap.size, -1)
        place_of[rounding.creator] = np.arange(rounding.creator.size)
        place, position = np.repeat(place_of, np.diff(self.first_row)), np.arange(self.payout.size)
        columns = (self.payout, self.lower, self.upper, place, position)
        found = rounding.bounds(*columns)
        return (
            rounding.settled(found.raised_ties, place, position).bounds(*columns) if rounding.has_open_ties else found
        )
