"""One pool solved: its money, bounds and policy, its dual, and the rules that round it to whole micros."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.creator_rounding import CreatorRounding, creator_rounding
from creatorpool.allocation.payout import Dual
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.allocation.program import Allocation, allocate
from creatorpool.allocation.video_caps import caps_of_videos
from creatorpool.errors import InfeasiblePoolError
from creatorpool.money import RoundingRule, rounding_rule


@dataclass(frozen=True)
class PoolTerms:
    """What a pool is split by: money and bounds in micros."""

    category: str
    pool_micros: int
    floor_micros: int
    cap_micros: int | None
    policy: SplitPolicy

    def bounds(self, effective_impressions: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Floor and cap of each row, micros."""
        floor = np.full(effective_impressions.size, self.floor_micros, dtype=np.int64)
        return floor, caps_of_videos(effective_impressions, floor, self.cap_micros)


@dataclass(frozen=True)
class PoolSplit:
    """A solved pool: what executors need to fill in any of its rows."""

    terms: PoolTerms
    dual: Dual
    rounding: RoundingRule
    last_raised_id: str | None = None  # of the rows tied at the rounding threshold, the last that gets a micro more
    creators: CreatorRounding | None = None  # where caps of creators may cut the payouts

    @property
    def open_ties(self) -> int:
        """How many of the pool's tied rows get a micro more, while ids have not settled which."""
        return self.rounding.raised_ties if self.last_raised_id is None else 0

    @property
    def has_open_creator_ties(self) -> bool:
        """Whether ids have to cut ties within creators first."""
        return self.creators is not None and self.creators.has_open_ties


def split_pool(
    terms: PoolTerms, effective_impressions: NDArray[np.float64], creators: PoolCreators | None = None
) -> tuple[PoolSplit, Allocation]:
    """Solve one pool and find the rules that round it, whatever the order of its rows.

    With `creators`, those of the same rows, no creator's whole micros sum to more than the creator's cap.

    Raises
    ------
    InfeasiblePoolError
        If the floors sum to more than the pool or a creator's cap, or the caps to less than the pool.
    """
    floor, cap = terms.bounds(effective_impressions)
    if creators is not None and (excess := creators.floors_in_excess(terms.floor_micros)):
        raise InfeasiblePoolError(f"pool {terms.category}: {excess}")
    allocation = allocate(
        effective_impressions,
        float(terms.pool_micros),
        alpha=terms.policy.alpha,
        lambda_eff=terms.policy.lambda_eff,
        floor=floor,
        cap=cap,
        objective=terms.policy.objective,
        creator=None if creators is None else creators.code,
        creator_cap=None if creators is None else creators.cap,
    )
    dual = allocation.dual
    if creators is None or dual.creators is None:
        rounding = rounding_rule(allocation.payout, terms.pool_micros, floor, cap)
        return PoolSplit(terms, dual, rounding), allocation
    binding = dual.creators.creator
    own, rounding = creator_rounding(allocation.payout, terms.pool_micros, floor, cap, creators, binding)
    # Creators by their ids in place of their codes: executors know nothing else. One array, sent once, where it can be.
    ids = creators.label[binding]
    dual = replace(dual, creators=replace(dual.creators, creator=ids))
    if own is not None:
        own = replace(own, creator=ids if np.array_equal(own.creator, binding) else creators.label[own.creator])
    return PoolSplit(terms, dual, rounding, creators=own), allocation
