"""One published pool as arrays, the input of every comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation import Allocation, allocate
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.allocation.video_caps import caps_of_videos
from creatorpool.numerics.types import Floats


@dataclass(frozen=True)
class Pool:
    """A pool's eligible videos in ascending order of ids, so that sums do not depend on the order of stored rows."""

    category: str
    money: int
    """Micros that were paid, without the unallocated money"""
    video: NDArray[Any]
    """(n,) ids"""
    creator: NDArray[Any]
    """(n,) ids"""
    effective_impressions: Floats
    """(n,) M = views · quality"""
    floor: int
    """Floor per video, micros"""
    cap: int | None
    """Cap per video, micros, as `allocation.video_caps` applies it; None without a cap"""
    creators: PoolCreators | None = None
    """The creators with their caps; None if the pool was paid without caps of creators"""

    @property
    def can_pay(self) -> bool:
        """Whether the pool has money, and a video with effective impressions."""
        return self.money > 0 and bool(np.any(self.effective_impressions > 0))

    def split(self, policy: SplitPolicy, effective_impressions: Floats | None = None) -> Allocation:
        """The optimum under `policy`; `effective_impressions` replace the pool's if given.

        If the caps of videos or creators sum to less than the money, the split pays the sum of the caps.

        Raises
        ------
        InfeasiblePoolError
            If the floors sum to more than the money, or a creator's to more than the creator's cap.
        """
        m = self.effective_impressions if effective_impressions is None else effective_impressions
        floor, cap = self.bounds(m)
        return allocate(
            m,
            self._payable(cap),
            alpha=policy.alpha,
            lambda_eff=policy.lambda_eff,
            floor=floor,
            cap=cap,
            objective=policy.objective,
            creator=None if self.creators is None else self.creators.code,
            creator_cap=None if self.creators is None else self.creators.cap,
        )

    def _payable(self, cap: Floats) -> float:
        """The part of the money, micros, that the (n,) caps of videos and the caps of creators allow."""
        money = min(float(self.money), math.fsum(cap))
        if self.creators is None:
            return money
        return min(money, self.creators.most(np.minimum(cap, money)))

    def bounds(self, effective_impressions: Floats) -> tuple[Floats, Floats]:
        """(n,) floors and (n,) caps, micros, of (n,) effective impressions."""
        floor = np.full(effective_impressions.size, float(self.floor))
        return floor, caps_of_videos(effective_impressions, floor, self.cap)
