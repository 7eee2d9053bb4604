"""The cap of each video: the pool's cap, or the floor if the video has no effective impressions.

All code that applies a pool's floor and cap uses these functions: settlement, executors, comparisons, the audit of
attacks and explanations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats


def caps_of_videos(effective_impressions: Floats, floor: NDArray[Any], cap: float | None) -> Floats:
    """(n,) caps, money, from (n,) effective impressions, (n,) floors and the pool's cap per video (None: no cap).

    The cap of a video without effective impressions is its floor. The cap of any other video is at least its floor.
    """
    highest = np.inf if cap is None else np.maximum(float(cap), floor)
    return np.where(effective_impressions > 0, highest, floor).astype(np.float64, copy=False)


def sum_of_caps(effective_impressions: Floats, floor: int, cap: int) -> int:
    """Exact Σ of `caps_of_videos`, micros, if all videos have the same floor."""
    rated = int(np.count_nonzero(effective_impressions > 0))
    return rated * max(cap, floor) + (effective_impressions.size - rated) * floor


def cap_of_pool(effective_impressions: Floats, caps: Floats) -> float:
    """The pool's cap per video, money, from the (n,) result of `caps_of_videos`; infinite if there is no cap."""
    rated = caps[effective_impressions > 0]
    return float(rated.max()) if rated.size else np.inf
