"""One pool on two days: every video's change in parts, for any rows of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.payout import Dual
from creatorpool.allocation.video_caps import cap_of_pool
from creatorpool.explanation.decomposition import DayPolicy, payout_parts, policy_parts
from creatorpool.explanation.parts import Parts, whole_parts
from creatorpool.explanation.pricing import PaidVideos, other_price, other_state, published_price, published_state

BEFORE, AFTER = 0, 1


@dataclass(frozen=True)
class PoolDay:
    """One pool on one day: enough to explain any of its rows."""

    policy: DayPolicy
    cap: float
    """Of one video with effective impressions, micros; infinite where there is none"""
    price: Dual | None
    """None where no video shared the pool"""
    other_price: Dual | None = None
    """Under the other day's policy, where that is another one"""


@dataclass(frozen=True)
class PoolPair:
    """One pool on both days; None on a day on which there was no such pool."""

    before: PoolDay | None
    after: PoolDay | None


def pool_day(videos: PaidVideos, money: int, policy: DayPolicy, other: DayPolicy | None) -> PoolDay:
    """Price a whole pool: its rows, its money in micros, its policy, and that of the other day if it existed then."""
    cap = cap_of_pool(videos.effective_impressions, videos.cap)
    if videos.payout.size == 0:
        return PoolDay(policy, cap, None)
    own = published_price(videos, float(money), policy)
    if other is None or other == policy:
        return PoolDay(policy, cap, own)
    impressions = _rated(videos, policy, other)
    return PoolDay(policy, cap, own, other_price(videos, float(money), other, impressions, cap))


def changes(
    pair: PoolPair, videos: tuple[PaidVideos, PaidVideos], present: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> dict[str, NDArray[np.int64]]:
    """Parts in whole micros of (n,) rows of one pool, summing to the change of each payout.

    Parameters
    ----------
    videos
        The same videos on the earlier and on the later day.
    present
        (n,) whether each shared the pool on that day; where not, its numbers of that day are not read.
    """
    paid = [np.where(there, day.payout, 0.0) for there, day in zip(present, videos, strict=True)]
    change = (paid[AFTER] - paid[BEFORE]).astype(np.int64)
    both = present[BEFORE] & present[AFTER]
    # A pool that was not there had no money; a video that was not in the pool has come or gone.
    alone = "membership" if pair.before is not None and pair.after is not None else "pool_size"
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
    first = published_state(before.price, videos[BEFORE])
    last = published_state(after.price, videos[AFTER])
    if before.other_price is None or after.other_price is None:
        return payout_parts(first, last, after.policy)
    states = {
        (BEFORE, BEFORE): first,
        (AFTER, AFTER): last,
        (BEFORE, AFTER): other_state(
            before.other_price, videos[BEFORE], _rated(videos[BEFORE], before.policy, after.policy), before.cap
        ),
        (AFTER, BEFORE): other_state(
            after.other_price, videos[AFTER], _rated(videos[AFTER], after.policy, before.policy), after.cap
        ),
    }
    return policy_parts(states, (before.policy, after.policy))


def _rated(videos: PaidVideos, own: DayPolicy, other: DayPolicy) -> NDArray[np.float64]:
    return videos.effective_impressions if own.exponents == other.exponents else videos.rated(other)


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
