"""A published pool priced again: each video's free payout and the bound that held it, also under another policy."""

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
    """Micros, infinite where there is none"""
    payout: Floats
    """Micros"""
    bound: NDArray[np.str_]
    """Of `allocation.payout.BOUNDS`"""
    creator: NDArray[np.str_]
    """Ids; of a whole pool, read only where the cap of a creator bound"""
    views: Floats
    components: Mapping[str, Floats]

    def rated(self, policy: DayPolicy) -> Floats:
        """Effective impressions as `policy` would have scored them."""
        names = [name for name, exponent in policy.exponents.items() if exponent > 0]
        values = np.column_stack([self.components[name] for name in names])
        weights = [policy.exponents[name] for name in names]
        return np.asarray(self.views * geometric_quality(values, weights, np.ones(self.views.size, dtype=np.bool_)))

    @cached_property
    def held(self) -> PoolCreators | None:
        """Of a whole pool, the creators, those whose caps bound with what they got for a cap; None where none bound."""
        is_held = self.bound == "creator_cap"
        if not is_held.any():
            return None
        label, code = np.unique(self.creator, return_inverse=True)
        earned = np.bincount(code, self.payout, label.size)
        cap = np.where(np.bincount(code, is_held, label.size) > 0, earned, np.inf)
        return PoolCreators(code.astype(np.int64), label, cap)


def published_price(videos: PaidVideos, money: float, policy: DayPolicy) -> Dual:
    """The prices at which the whole pool `videos` was paid, found anew: the pool's, and of creators whose caps bound.

    Such a creator got the cap, so that the sum of the payouts is the cap again.
    """
    return _price(videos, videos.effective_impressions, money, policy, videos.floor, videos.cap)


def other_price(videos: PaidVideos, money: float, policy: DayPolicy, impressions: Floats, cap: float) -> Dual:
    """The prices at which the whole pool would have been paid under another day's `policy`, money and bounds kept.

    `impressions` are those that the policy scores, `cap` is that of a video with any. A creator whose cap bound has the
    same cap; the cap of any other is not known, and none is applied.
    """
    caps = caps_of_videos(impressions, videos.floor, cap)
    most = np.minimum(caps, money)
    payable = order_free_sum(most, max(money, 1.0)) if videos.held is None else videos.held.most(most)
    return _price(videos, impressions, min(money, payable), policy, videos.floor, caps)


def published_state(dual: Dual, videos: PaidVideos) -> PoolState:
    """Any rows of a published pool at its price, with the bounds that held them."""
    state = _state(dual, videos, videos.effective_impressions)
    # A video that its creator's cap holds down, at its floor too, is held at what it got.
    is_creators = (videos.bound == "creator_cap") | (_is_priced_apart(dual, videos) & (state.free > videos.payout))
    upper = np.where(videos.bound == "cap", videos.cap, np.where(is_creators, videos.payout, np.inf))
    lower = np.where((videos.bound == "floor") & ~is_creators, videos.floor, -np.inf)
    return replace(state, lower=lower, upper=upper)


def other_state(dual: Dual, videos: PaidVideos, impressions: Floats, cap: float) -> PoolState:
    """Any rows of a pool as they would have been paid at the `dual` of `other_price`."""
    caps = caps_of_videos(impressions, videos.floor, cap)
    payout, held = payout_from_dual(dual, impressions, videos.floor, caps, videos.creator)
    is_creators = held == BOUNDS.index("creator_cap")
    upper = np.where(held == BOUNDS.index("cap"), caps, np.where(is_creators, payout, np.inf))
    lower = np.where(held == BOUNDS.index("floor"), videos.floor, -np.inf)
    return replace(_state(dual, videos, impressions), lower=lower, upper=upper)


def _price(
    videos: PaidVideos, impressions: Floats, money: float, policy: DayPolicy, floor: Floats, cap: Floats
) -> Dual:
    held = videos.held
    dual = allocate(
        impressions,
        money,
        alpha=policy.split.alpha,
        lambda_eff=policy.split.lambda_eff,
        floor=floor,
        cap=cap,
        objective=policy.split.objective,
        creator=None if held is None else held.code,
        creator_cap=None if held is None else held.cap,
    ).dual
    if held is None or dual.creators is None:
        return dual
    return replace(dual, creators=replace(dual.creators, creator=held.label[dual.creators.creator]))


def _is_priced_apart(dual: Dual, videos: PaidVideos) -> NDArray[np.bool_]:
    if dual.creators is None:
        return np.zeros(videos.payout.size, dtype=np.bool_)
    return dual.creators.place(videos.creator) >= 0


def _state(dual: Dual, videos: PaidVideos, impressions: Floats) -> PoolState:
    """The rows at the pool's price, without bounds."""
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
