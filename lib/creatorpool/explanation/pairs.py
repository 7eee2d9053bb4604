"""One pool on two days: the parts of each video's change, for any rows of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.payout import Dual
from creatorpool.allocation.video_caps import cap_of_pool
from creatorpool.explanation.decomposition import DayPolicy, payout_parts, policy_parts
from creatorpool.explanation.parts import Parts, whole_parts
from creatorpool.explanation.pool_money import PoolMoney
from creatorpool.explanation.pricing import PaidVideos, other_price, other_state, published_price, published_state

BEFORE, AFTER = 0, 1


@dataclass(frozen=True)
class PoolDay:
    """One pool on one day: all that the explanation of any of its rows needs."""

    policy: DayPolicy
    money: PoolMoney
    cap: float
    """Cap of a video with effective impressions, micros; infinite without a cap"""
    price: Dual | None
    """Dual solution of the pool; None if no video shared it"""
    other_price: Dual | None = None
    """Dual solution under the other day's policy; None if the policies are the same"""


@dataclass(frozen=True)
class PoolPair:
    """One pool on both days; None for a day without the pool."""

    before: PoolDay | None
    after: PoolDay | None


def pool_day(videos: PaidVideos, money: PoolMoney, paid: int, policy: DayPolicy, other: DayPolicy | None) -> PoolDay:
    """Find the prices of a whole pool from its rows, the micros that it `paid` and its policy.

    `other` is the policy of the other day; None if the pool does not exist on that day.
    """
    cap = cap_of_pool(videos.effective_impressions, videos.cap)
    if videos.payout.size == 0:
        return PoolDay(policy, money, cap, None)
    own = published_price(videos, float(paid), policy)
    if other is None or other == policy:
        return PoolDay(policy, money, cap, own)
    impressions = _impressions_under(videos, policy, other)
    return PoolDay(policy, money, cap, own, other_price(videos, float(paid), other, impressions, cap))


def changes(
    pair: PoolPair, videos: tuple[PaidVideos, PaidVideos], present: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> dict[str, NDArray[np.int64]]:
    """Parts, whole micros, of the changes of (n,) rows of one pool; a row's parts sum to the change of its payout.

    Parameters
    ----------
    videos
        The same videos on the earlier and on the later day.
    present
        (n,) whether each video shared the pool on that day. If not, its numbers of that day are not read.
    """
    paid = [np.where(there, day.payout, 0.0) for there, day in zip(present, videos, strict=True)]
    change = (paid[AFTER] - paid[BEFORE]).astype(np.int64)
    both = present[BEFORE] & present[AFTER]
    # If the pool is missing on one day, nobody paid for it; if only the video is missing, its membership changed.
    alone = "membership" if pair.before is not None and pair.after is not None else "revenue"
    parts: Parts = {alone: np.where(both, 0.0, change)}
    if pair.before is not None and pair.after is not None and both.any():
        of_both = _parts(pair.before, pair.after, (_rows(videos[BEFORE], both), _rows(videos[AFTER], both)))
        for name, money in of_both.items():
            parts[name] = parts.get(name, np.zeros(change.size))
            parts[name][both] = money
    return whole_parts(parts, change)


def _parts(before: PoolDay, after: PoolDay, videos: tuple[PaidVideos, PaidVideos]) -> Parts:
    if before.price is None or after.price is None:
        raise ValueError("a pool without a price has no videos to explain")
    money = (before.money, after.money)
    first = published_state(before.price, videos[BEFORE])
    last = published_state(after.price, videos[AFTER])
    if before.other_price is None or after.other_price is None:
        return payout_parts(first, last, after.policy, money)
    states = {
        (BEFORE, BEFORE): first,
        (AFTER, AFTER): last,
        (BEFORE, AFTER): other_state(
            before.other_price,
            videos[BEFORE],
            _impressions_under(videos[BEFORE], before.policy, after.policy),
            before.cap,
        ),
        (AFTER, BEFORE): other_state(
            after.other_price, videos[AFTER], _impressions_under(videos[AFTER], after.policy, before.policy), after.cap
        ),
    }
    return policy_parts(states, (before.policy, after.policy), money)


def _impressions_under(videos: PaidVideos, own: DayPolicy, other: DayPolicy) -> NDArray[np.float64]:
    return videos.effective_impressions if own.exponents == other.exponents else videos.impressions_under(other)


def _rows(videos: PaidVideos, chosen: NDArray[np.bool_]) -> PaidVideos:
    components: Mapping[str, NDArray[np.float64]] = {name: c[chosen] for name, c in videos.components.items()}
    return replace(
        videos,
        effective_impressions=videos.effective_impressions[chosen],
        floor=videos.floor[chosen],
        cap=videos.cap[chosen],
        payout=videos.payout[chosen],
        bound=videos.bound[chosen],
        creator=videos.creator[chosen],
        views=videos.views[chosen],
        components=components,
    )
