"""A published pool priced again: each video's free payout and the bound that held it, also under another policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.payout import BOUNDS, Dual, payout_from_dual
from creatorpool.allocation.program import allocate
from creatorpool.allocation.summation import order_free_sum
from creatorpool.allocation.types import Floats
from creatorpool.explanation.decomposition import Policy, PoolState
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
    views: Floats
    components: Mapping[str, Floats]

    def rated(self, policy: Policy) -> Floats:
        """Effective impressions as `policy` would have scored them."""
        names = [name for name, exponent in policy.exponents.items() if exponent > 0]
        values = np.column_stack([self.components[name] for name in names])
        weights = [policy.exponents[name] for name in names]
        return np.asarray(self.views * geometric_quality(values, weights, np.ones(self.views.size, dtype=np.bool_)))


def published_price(videos: PaidVideos, money: float, policy: Policy) -> Dual:
    """The price at which the whole pool `videos` was paid, found anew.

    A creator's cap is met by its videos' own payouts: held at these, they leave the price of all others as it was.
    """
    is_held = videos.bound == "creator_cap"
    return _price(
        videos.effective_impressions,
        money,
        policy,
        np.where(is_held, videos.payout, videos.floor),
        np.where(is_held, videos.payout, videos.cap),
    )


def other_price(videos: PaidVideos, money: float, policy: Policy, impressions: Floats, cap: float) -> Dual:
    """The price at which the whole pool would have been paid under another day's `policy`, its money and bounds kept.

    `impressions` are those that the policy scores, `cap` is that of a video with any. A creator who was capped stays
    so, video by video.
    """
    floor, caps = other_bounds(videos, impressions, cap)
    most = order_free_sum(np.minimum(caps, money), max(money, 1.0))
    return _price(impressions, min(money, most), policy, floor, caps)


def other_bounds(videos: PaidVideos, impressions: Floats, cap: float) -> tuple[Floats, Floats]:
    """Floors and caps of the same videos with other effective impressions."""
    caps = np.where(impressions > 0, np.maximum(cap, videos.floor), videos.floor)
    return videos.floor, np.where(videos.bound == "creator_cap", np.maximum(videos.payout, videos.floor), caps)


def published_state(dual: Dual, videos: PaidVideos) -> PoolState:
    """Any rows of a published pool at its price, with the bounds that held them."""
    is_capped = videos.bound == "cap"
    upper = np.where(is_capped, videos.cap, np.where(videos.bound == "creator_cap", videos.payout, np.inf))
    lower = np.where(videos.bound == "floor", videos.floor, -np.inf)
    return _state(dual, videos, videos.effective_impressions, lower, upper)


def other_state(dual: Dual, videos: PaidVideos, impressions: Floats, cap: float) -> PoolState:
    """Any rows of a pool as they would have been paid at the `dual` of `other_price`."""
    floor, caps = other_bounds(videos, impressions, cap)
    _, held = payout_from_dual(dual, impressions, floor, caps)
    lower = np.where(held == BOUNDS.index("floor"), floor, -np.inf)
    upper = np.where(held == BOUNDS.index("cap"), caps, np.inf)
    return _state(dual, videos, impressions, lower, upper)


def _price(impressions: Floats, money: float, policy: Policy, floor: Floats, cap: Floats) -> Dual:
    return allocate(
        impressions,
        money,
        alpha=policy.alpha,
        lambda_eff=policy.lambda_eff,
        floor=floor,
        cap=cap,
        objective=policy.objective,
    ).dual


def _state(dual: Dual, videos: PaidVideos, impressions: Floats, lower: Floats, upper: Floats) -> PoolState:
    free, _ = payout_from_dual(dual, impressions)
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
        lower=lower,
        upper=upper,
    )
