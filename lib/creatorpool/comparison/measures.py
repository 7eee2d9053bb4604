"""Measures of the spread of money, by which splits of one pool are compared (formulas §2.8)."""

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
    """The spread of a pool's money over its videos and creators; see `spread`."""

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
"""Measures that can have a target, by their names on the command line."""


def spread(payout: ArrayLike, is_small: Bools) -> Spread:
    """The `Spread` of a split: Gini, share of the top 1 % of videos, effective number of videos, small creators' share.

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
    """(Σx)² / Σx² of (n,) amounts >= 0: the number of equal amounts with the same concentration; NaN if all are 0."""
    x = np.asarray(amounts, dtype=np.float64)
    largest = float(x.max(initial=0.0))
    if largest == 0.0:
        return math.nan
    scaled = x / largest
    return math.fsum(scaled) ** 2 / math.fsum(scaled * scaled)


def share_of(amounts: Floats, chosen: Bools) -> float:
    """Share of Σ `amounts` in the `chosen` ones; (n,) `amounts` >= 0, not all 0."""
    return math.fsum(amounts[chosen]) / math.fsum(amounts)


def small_creators(creator: NDArray[Any], effective_impressions: Floats, part: float) -> Bools:
    """Which of (n,) videos belong to small creators.

    The small creators are the `part` of the pool's creators with the fewest effective impressions. Their number is
    rounded down, and ties are broken by id. Creators without effective impressions do not count. The result depends on
    viewers and not on payouts, so that it is the same for all splits.

    Raises
    ------
    InputError
        If `part` is not in [0, 1].
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
    """Creators 0 … `creators` - 1 in ascending order of Σ `size` over their videos, and the (g,) sums by creator."""
    total = np.bincount(code, weights=size, minlength=creators)
    return np.argsort(total, kind="stable"), np.asarray(total, dtype=np.float64)


def lorenz_curve(amounts: ArrayLike, points: int = 200) -> tuple[Floats, Floats]:
    """The Lorenz curve from (0, 0) to (1, 1): shares of videos, least paid first, and their shares of the money.

    Parameters
    ----------
    amounts : (n,) array_like
        Money, >= 0, not all 0.
    points : int
        Largest number of steps. More videos are thinned to it.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    money = np.concatenate(([0.0], np.cumsum(x)))
    place = np.unique(np.linspace(0, x.size, min(points, x.size) + 1).round().astype(np.intp))
    return place / x.size, money[place] / money[-1]
