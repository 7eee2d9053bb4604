"""Other rules by which platforms split money: shares of a pool from who watched what (formulas §2.9).

Each gives (n,) shares of a pool's videos that sum to 1; `creatorpool.money.round_to_total` makes them money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Viewing:
    """Who watched what in one pool, (m,) arrays: all that rules by viewer need, in whole numbers.

    A viewer's *depth* L is the number of the viewer's views in the pool. What a viewer gives to a video depends on the
    depth and on the views of that video alone, so viewers of one depth are one row a video: sums of whole numbers,
    which no order of rows can change.
    """

    video: NDArray[np.intp]
    """Place of the video in the pool"""
    depth: Integers
    """L >= 1"""
    views: Integers
    """By all viewers of that depth, of that video"""

    def viewers(self) -> tuple[Integers, Integers]:
        """Depths that occur, ascending, and how many viewers have each: their views over all videos, by L."""
        depth, place = np.unique(self.depth, return_inverse=True)
        views = np.zeros(depth.size, dtype=np.int64)
        np.add.at(views, place, self.views)
        return depth, views // depth

    def views_by_video(self, videos: int) -> Floats:
        """(n,) views of each of the pool's `videos`."""
        views = np.zeros(videos)
        np.add.at(views, self.video, self.views)  # whole numbers: exact
        return views

    def with_viewers(self, video: int, viewers: int, views_each: int) -> Viewing:
        """The same with `viewers` more, who watch nothing in the pool but `video`, `views_each` times."""
        return Viewing(
            np.append(self.video, video),
            np.append(self.depth, views_each),
            np.append(self.views, viewers * views_each),
        )


def pro_rata(views: ArrayLike) -> Floats:
    """Shares by views, (n,) >= 0 and not all 0: each view is worth the same, whoever watched."""
    v = np.asarray(views, dtype=np.float64)
    if v.size == 0 or not (np.isfinite(v).all() and (v >= 0).all() and (v > 0).any()):
        raise InputError("views must be finite, >= 0 and not all 0")
    return np.asarray(v / math.fsum(v), dtype=np.float64)


def equal_split(videos: int) -> Floats:
    """The same share for each of `videos` >= 1."""
    if videos < 1:
        raise InputError(f"videos must be at least 1, got {videos}")
    return np.full(videos, 1.0 / videos)


def user_centric(viewing: Viewing, videos: int) -> Floats:
    """Each viewer has the same budget, which follows what the viewer watched: Σ_i (1/n) views_iv / L_i."""
    return scaled_user(viewing, videos, 1.0)


def scaled_user(viewing: Viewing, videos: int, creators_share: float) -> Floats:
    """ScaledUserProp: a viewer gives in proportion to the views, up to a bound that is the same for all [1]_.

    Parameters
    ----------
    viewing : Viewing
        Of one pool, with at least one row.
    videos : int
        Number n of the pool's videos.
    creators_share : float
        a in (0, 1], the part of what a viewer brings in that creators share; the platform has the rest. At 1 the rule
        is the user-centric one.

    Returns
    -------
    (n,) float64 array
        Σ_i min(γ, 1 / L_i) views_iv / (a N) over N viewers, with γ from Σ_i min(γ L_i, 1) = a N.

    Notes
    -----
    With a fixed pool P, k fake viewers who watch whatever they like move at most k P / (a (N + k)) to anybody, where
    P / (a N) is what one viewer brings in: fraud-proofness of [1]_, whose pool grows with what fakes pay, scaled to
    P.

    References
    ----------
    .. [1] Ghosh, Neoh, Teh, Tyrovolas, Fraud-Proof Revenue Division on Subscription Platforms, ICML 2025, PMLR 267,
       arXiv:2511.04465. Users pay 1 each, and user i gives min(γ L_i, 1) in proportion to the engagement with each.
    """
    if not 0.0 < creators_share <= 1.0:
        raise InputError(f"creators_share must lie in (0, 1], got {creators_share}")
    depth, viewers = viewing.viewers()
    if depth.size == 0:
        raise InputError("viewing must have at least one row")
    gamma = scaling(depth, viewers, creators_share)
    given = viewing.views * np.minimum(gamma, 1.0 / viewing.depth)
    # Rows of a video are added in the order of their depths, however they came.
    order = np.lexsort((viewing.depth, viewing.video))
    total = np.bincount(viewing.video[order], weights=given[order], minlength=videos)
    return np.asarray(total / math.fsum(total), dtype=np.float64)


def scaling(depth: Integers, viewers: Integers, creators_share: float) -> float:
    """γ of ScaledUserProp: the root of Σ n_L min(γ L, 1) = a Σ n_L; the least one where a = 1.

    Parameters
    ----------
    depth, viewers : (d,) int64 arrays
        Depths L >= 1, ascending, and viewers n_L >= 1 of each.
    creators_share : float
        a in (0, 1].

    Notes
    -----
    Viewers deeper than some depth give all they have, the others γ for each view. The left side at γ = 1 / L is known
    for each L, so one cumulative sum finds the depth and γ, with no tolerance.
    """
    wanted = creators_share * int(viewers.sum())
    below = np.concatenate(([0], np.cumsum(depth * viewers)[:-1])).astype(np.float64)  # views by shallower viewers
    full = np.cumsum(viewers[::-1])[::-1].astype(np.float64)  # viewers at least as deep
    at_depth = below / depth + full  # the left side at γ = 1 / L, falling in L
    deepest = int(np.flatnonzero(at_depth >= wanted)[-1]) if at_depth[0] >= wanted else 0
    # Between γ = 1 / L of that depth and of the next: those deeper are at their bound.
    beyond = float(full[deepest + 1]) if deepest + 1 < depth.size else 0.0
    scale = (wanted - beyond) / float(below[deepest] + depth[deepest] * viewers[deepest])
    return min(scale, 1.0 / float(depth[deepest]))
