"""Other rules by which platforms split money: shares of a pool's videos, from the views in the pool (formulas §2.9).

Each rule gives (n,) shares that sum to 1. `creatorpool.money.round_to_total` turns them into money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats, Integers


@dataclass(frozen=True)
class Viewing:
    """The views in one pool by viewer depth, (m,) arrays of whole numbers: the input of the rules by viewer.

    A viewer's *depth* L is the number of the viewer's views in the pool. The money that a viewer gives to a video
    depends only on the depth and on the viewer's views of that video, so one row holds all viewers of one depth on one
    video. Sums of whole numbers do not depend on the order of rows.
    """

    video: NDArray[np.intp]
    """Index of the video in the pool"""
    depth: Integers
    """L >= 1"""
    views: Integers
    """Views of that video by all viewers of that depth"""

    def viewers(self) -> tuple[Integers, Integers]:
        """(d,) depths L that occur, ascending, and the (d,) numbers of viewers with that depth: Σ views / L."""
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
        """The same viewing with `viewers` more viewers, who watch only `video` in the pool, `views_each` times each."""
        return Viewing(
            np.append(self.video, video),
            np.append(self.depth, views_each),
            np.append(self.views, viewers * views_each),
        )


def pro_rata(views: ArrayLike) -> Floats:
    """(n,) shares in proportion to (n,) views: each view counts the same. InputError unless >= 0 and not all 0."""
    v = np.asarray(views, dtype=np.float64)
    if v.size == 0 or not (np.isfinite(v).all() and (v >= 0).all() and (v > 0).any()):
        raise InputError("views must be finite, >= 0 and not all 0")
    return np.asarray(v / math.fsum(v), dtype=np.float64)


def equal_split(videos: int) -> Floats:
    """(n,) equal shares for n = `videos` >= 1; InputError for fewer."""
    if videos < 1:
        raise InputError(f"videos must be at least 1, got {videos}")
    return np.full(videos, 1.0 / videos)


def user_centric(viewing: Viewing, videos: int) -> Floats:
    """(n,) shares if each of N viewers splits an equal budget by own views: Σ_i views_iv / (L_i N)."""
    return scaled_user(viewing, videos, 1.0)


def scaled_user(viewing: Viewing, videos: int, creators_share: float) -> Floats:
    """ScaledUserProp: each viewer gives in proportion to own views, up to a bound that is the same for all [1]_.

    Parameters
    ----------
    viewing : Viewing
        Viewing of one pool, with at least one row.
    videos : int
        Number n of the pool's videos.
    creators_share : float
        a in (0, 1], the creators' part of the money that a viewer brings in; the platform keeps the rest. At 1 the rule
        is the user-centric one.

    Returns
    -------
    (n,) float64 array
        Σ_i min(γ, 1 / L_i) views_iv / (a N) over N viewers, with γ from Σ_i min(γ L_i, 1) = a N.

    Raises
    ------
    InputError
        If `creators_share` is not in (0, 1], or `viewing` has no row.

    Notes
    -----
    With a fixed pool P, k fake viewers move at most k P / (a (N + k)) to any video, where P / (a N) is the money that
    one viewer brings in. This is the fraud-proofness of [1]_, in which the pool grows with the payments of fakes, for a
    pool scaled to P.

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
    # Add the rows of a video in the order of their depths, so that the order of rows does not matter.
    order = np.lexsort((viewing.depth, viewing.video))
    total = np.bincount(viewing.video[order], weights=given[order], minlength=videos)
    return np.asarray(total / math.fsum(total), dtype=np.float64)


def scaling(depth: Integers, viewers: Integers, creators_share: float) -> float:
    """γ of ScaledUserProp: the root of Σ n_L min(γ L, 1) = a Σ n_L; the least root if a = 1.

    Parameters
    ----------
    depth, viewers : (d,) int64 arrays
        Depths L >= 1, ascending, and the number n_L >= 1 of viewers with each depth.
    creators_share : float
        a in (0, 1].

    Notes
    -----
    Viewers deeper than 1 / γ give their whole budget, the others give γ for each view. The left side at γ = 1 / L is
    known for each L, so one cumulative sum finds the depth and γ without a tolerance.
    """
    wanted = creators_share * int(viewers.sum())
    below = np.concatenate(([0], np.cumsum(depth * viewers)[:-1])).astype(np.float64)  # views by shallower viewers
    full = np.cumsum(viewers[::-1])[::-1].astype(np.float64)  # viewers at least as deep
    at_depth = below / depth + full  # the left side at γ = 1 / L, which falls with L
    deepest = int(np.flatnonzero(at_depth >= wanted)[-1]) if at_depth[0] >= wanted else 0
    # γ lies between 1 / L of that depth and of the next depth: deeper viewers give their whole budget.
    beyond = float(full[deepest + 1]) if deepest + 1 < depth.size else 0.0
    scale = (wanted - beyond) / float(below[deepest] + depth[deepest] * viewers[deepest])
    return min(scale, 1.0 / float(depth[deepest]))
