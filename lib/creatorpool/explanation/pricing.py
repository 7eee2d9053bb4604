"""Prices of a published pool, found again: each video's free payout and bound, also under another policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.payout import BOUNDS, Dual, payout_from_dual
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.allocation.program import allocate
from creatorpool.allocation.summation import order_free_sum
from creatorpool.allocation.video_caps import caps_of_videos
from creatorpool.explanation.decomposition import DayPolicy, PoolState
from creatorpool.numerics.types import Floats
from creatorpool.quality.geometric import geometric_quality


@dataclass(frozen=True)
class PaidVideos:
    """n videos of one pool as published; (n,) arrays."""

    effective_impressions: Floats
    floor: Floats
    """Micros"""
    cap: Floats
    """Micros, infinite without a cap"""
    payout: Floats
    """Micros"""
    bound: NDArray[np.str_]
    """One of `allocation.payout.BOUNDS` each"""
    creator: NDArray[np.str_]
    """Ids; for a whole pool, read only if the cap of some creator bound"""
    views: Floats
    components: Mapping[str, Floats]

    def impressions_under(self, policy: DayPolicy) -> Floats:
        """(n,) effective impressions under the exponents of `policy`."""
        names = [name for name, exponent in policy.exponents.items() if exponent > 0]
        values = np.column_stack([self.components[name] for name in names])
        weights = [policy.exponents[name] for name in names]
        return np.asarray(self.views * geometric_quality(values, weights, np.ones(self.views.size, dtype=np.bool_)))

    @cached_property
    def capped_creators(self) -> PoolCreators | None:
        """Creators of a whole pool; a cap that bound equals the creator's earnings. None if no creator's cap bound."""
        is_held = self.bound == "creator_cap"
        if not is_held.any():
            return None
        label, code = np.unique(self.creator, return_inverse=True)
        earned = np.bincount(code, self.payout, label.size)
        cap = np.where(np.bincount(code, is_held, label.size) > 0, earned, np.inf)
        return PoolCreators(code.astype(np.int64), label, cap)


def published_price(videos: PaidVideos, money: float, policy: DayPolicy) -> Dual:
    """The prices at which the whole pool `videos` was paid: the pool's, and those of creators whose caps bound.

    `money` is in micros. The cap of such a creator equals the sum of its payouts.
    """
    return _price(videos, videos.effective_impressions, money, policy, videos.floor, videos.cap)


def other_price(videos: PaidVideos, money: float, policy: DayPolicy, impressions: Floats, cap: float) -> Dual:
    """The prices of the whole pool under another day's `policy`, with the same `money`, micros, and bounds.

    `impressions` are the (n,) effective impressions under that policy. `cap` is the cap, micros, of a video with any. A
    creator whose cap bound keeps that cap. The caps of other creators are not known and not applied.
    """
    caps = caps_of_videos(impressions, videos.floor, cap)
    most = np.minimum(caps, money)
    payable = (
        order_free_sum(most, max(money, 1.0)) if videos.capped_creators is None else videos.capped_creators.most(most)
    )
    return _price(videos, impressions, min(money, payable), policy, videos.floor, caps)


def published_state(dual: Dual, videos: PaidVideos) -> PoolState:
    """The state of any rows of a published pool, with the bounds that held them."""
    state = _state(dual, videos, videos.effective_impressions)
    # A payout that its creator's cap reduces, even to its floor, is an upper bound.
    is_creators = (videos.bound == "creator_cap") | (_has_own_price(dual, videos) & (state.free > videos.payout))
    upper = np.where(videos.bound == "cap", videos.cap, np.where(is_creators, videos.payout, np.inf))
    lower = np.where((videos.bound == "floor") & ~is_creators, videos.floor, -np.inf)
    return replace(state, lower=lower, upper=upper)


def other_state(dual: Dual, videos: PaidVideos, impressions: Floats, cap: float) -> PoolState:
    """The state of any rows of a pool at the `dual` of `other_price`; other arguments as there."""
    caps = caps_of_videos(impressions, videos.floor, cap)
    payout, held = payout_from_dual(dual, impressions, videos.floor, caps, videos.creator)
    is_creators = held == BOUNDS.index("creator_cap")
    upper = np.where(held == BOUNDS.index("cap"), caps, np.where(is_creators, payout, np.inf))
    lower = np.where(held == BOUNDS.index("floor"), videos.floor, -np.inf)
    return replace(_state(dual, videos, impressions), lower=lower, upper=upper)


def _price(
    videos: PaidVideos, impressions: Floats, money: float, policy: DayPolicy, floor: Floats, cap: Floats
) -> Dual:
    capped = videos.capped_creators
    dual = allocate(
        impressions,
        money,
        alpha=policy.split.alpha,
        lambda_eff=policy.split.lambda_eff,
        floor=floor,
        cap=cap,
        objective=policy.split.objective,
        creator=None if capped is None else capped.code,
        creator_cap=None if capped is None else capped.cap,
    ).dual
    if capped is None or dual.creators is None:
        return dual
    return replace(dual, creators=replace(dual.creators, creator=capped.label[dual.creators.creator]))


def _has_own_price(dual: Dual, videos: PaidVideos) -> NDArray[np.bool_]:
    if dual.creators is None:
        return np.zeros(videos.payout.size, dtype=np.bool_)
    return dual.creators.place(videos.creator) >= 0


def _state(dual: Dual, videos: PaidVideos, impressions: Floats) -> PoolState:
    """The state of the rows at the pool's price, without bounds."""
    free, _ = payout_from_dual(replace(dual, creators=None), impressions)
    goal = dual.objective
    x = goal.scaled(impressions)
    efficient = goal.efficiency_factor * x
    numerator = goal.numerator(x)
    efficiency = free * (efficient / np.where(numerator > 0, numerator, 1.0))
    return PoolState(
        money=goal.pool,
        views=videos.views,
        components=videos.components,
        effective_impressions=impressions,
        share=x / goal.totals.total if goal.totals.total > 0 else np.zeros(x.size),
        fairness=free - efficiency,
        efficiency=efficiency,
        lower=np.full(x.size, -np.inf),
        upper=np.full(x.size, np.inf),
    )
