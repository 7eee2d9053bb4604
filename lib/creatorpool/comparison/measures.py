"""How fair and how efficient a split is: the numbers that splits of one pool are compared by (formulas §2.8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.concentration import gini, top_share
from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Spread:
    """How a pool's money is spread over its videos and creators."""

    gini: float
    top1pct_share: float
    effective_videos: float
    small_creators_share: float


MEASURES: Mapping[str, Callable[[Spread], float]] = MappingProxyType(
    {
        "gini": lambda spread: spread.gini,
        "top1pct": lambda spread: spread.top1pct_share,
        "small_creator_share": lambda spread: spread.small_creators_share,
    }
)
"""What a target may be set for, by the name it has on the command line."""


def spread(payout: ArrayLike, is_small: Bools) -> Spread:
    """Measures of a split.

    Parameters
    ----------
    payout : (n,) array_like
        Money of each video, >= 0, not all 0.
    is_small : (n,) bool array
        Videos of small creators, as `small_creators` finds them.
    """
    p = np.asarray(payout, dtype=np.float64)
    return Spread(gini(p), top_share(p), effective_number(p), share_of(p, is_small))


def effective_number(amounts: ArrayLike) -> float:
    """(Σx)² / Σx²: how many equal amounts are as spread out as (n,) amounts >= 0; NaN if all are 0."""
    x = np.asarray(amounts, dtype=np.float64)
    largest = float(x.max(initial=0.0))
    if largest == 0.0:
        return math.nan
    scaled = x / largest
    return math.fsum(scaled) ** 2 / math.fsum(scaled * scaled)


def share_of(amounts: Floats, chosen: Bools) -> float:
    """Share of (n,) `amounts` >= 0, not all 0, that the `chosen` hold."""
    return math.fsum(amounts[chosen]) / math.fsum(amounts)


def small_creators(creator: NDArray[Any], effective_impressions: Floats, part: float) -> Bools:
    """Which of (n,) videos belong to small creators.

    Of the creators with effective impressions in the pool, the `part` with the least of them, rounded down, ties by
    id. It depends on what viewers did and not on how money is split, so that it is the same for all splits. Creators
    without any effective impressions, whom no split by merit pays, are not among them.
    """
    if not 0.0 <= part <= 1.0:
        raise InputError(f"part of creators that count as small must lie in [0, 1], got {part}")
    names, code = np.unique(creator, return_inverse=True)
    order, total = creators_by_size(code, effective_impressions, names.size)
    rated = order[total[order] > 0]
    is_small = np.zeros(names.size, dtype=np.bool_)
    is_small[rated[: int(part * rated.size)]] = True
    return is_small[code]


def creators_by_size(code: NDArray[np.intp], size: Floats, creators: int) -> tuple[NDArray[np.intp], Floats]:
    """Creators 0 … `creators` - 1 in ascending order of the sum of `size` over their videos, and those (g,) sums."""
    total = np.bincount(code, weights=size, minlength=creators)
    return np.argsort(total, kind="stable"), np.asarray(total, dtype=np.float64)


def lorenz_curve(amounts: ArrayLike, points: int = 200) -> tuple[Floats, Floats]:
    """Shares of videos and of money that the least paid hold, from (0, 0) to (1, 1), at about `points` places.

    Parameters
    ----------
    amounts : (n,) array_like
        Money, >= 0, not all 0.
    points : int
        More videos than this are thinned to as many places: a chart shows no more.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    money = np.concatenate(([0.0], np.cumsum(x)))
    place = np.unique(np.linspace(0, x.size, min(points, x.size) + 1).round().astype(np.intp))
    return place / x.size, money[place] / money[-1]
