"""One published pool as arrays: what every comparison starts from."""

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
    """A pool's eligible videos in ascending order of their ids, so that sums do not depend on how rows were stored."""

    category: str
    money: int
    """Micros that were paid out; what stayed unallocated is not part of it"""
    video: NDArray[Any]
    """(n,) ids"""
    creator: NDArray[Any]
    """(n,) ids"""
    effective_impressions: Floats
    """(n,) M = views · quality"""
    floor: int
    """Of one video, micros"""
    cap: int | None
    """Of one video, micros, as `allocation.video_caps` applies it"""
    creators: PoolCreators | None = None
    """The creators with their caps, where these were part of what the pool was paid by"""

    @property
    def can_pay(self) -> bool:
        """Whether there is money, and a video that may get it."""
        return self.money > 0 and bool(np.any(self.effective_impressions > 0))

    def split(self, policy: SplitPolicy, effective_impressions: Floats | None = None) -> Allocation:
        """The optimum under `policy`, of other effective impressions if given.

        Caps that fall short pay what they allow. Where creators have caps, these hold as well.

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
        """What of the money (n,) caps of videos and those of creators let out, micros."""
        money = min(float(self.money), math.fsum(cap))
        if self.creators is None:
            return money
        return min(money, self.creators.most(np.minimum(cap, money)))

    def bounds(self, effective_impressions: Floats) -> tuple[Floats, Floats]:
        """(n,) floors and caps, micros."""
        floor = np.full(effective_impressions.size, float(self.floor))
        return floor, caps_of_videos(effective_impressions, floor, self.cap)
