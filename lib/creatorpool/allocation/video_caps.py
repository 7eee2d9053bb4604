"""The most that each video may get: the cap of its pool, and no more than its floor without effective impressions.

Every reader of a pool's floor and cap takes them through these functions: the settlement, the executors that fill in
payouts, comparisons, the audit of attacks and explanations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats


def caps_of_videos(effective_impressions: Floats, floor: NDArray[Any], cap: float | None) -> Floats:
    """(n,) caps, money, from (n,) effective impressions and floors, and the pool's cap of one video; None is none.

    A video without effective impressions gets its floor, never more; the cap of any other is not below its floor.
    """
    highest = np.inf if cap is None else np.maximum(float(cap), floor)
    return np.where(effective_impressions > 0, highest, floor).astype(np.float64, copy=False)


def sum_of_caps(effective_impressions: Floats, floor: int, cap: int) -> int:
    """Σ of `caps_of_videos` in whole micros, exactly, for one floor of all videos."""
    rated = int(np.count_nonzero(effective_impressions > 0))
    return rated * max(cap, floor) + (effective_impressions.size - rated) * floor


def cap_of_pool(effective_impressions: Floats, caps: Floats) -> float:
    """The pool's cap of one video, from the (n,) caps that `caps_of_videos` gave; infinite where there is none."""
    rated = caps[effective_impressions > 0]
    return float(rated.max()) if rated.size else np.inf
