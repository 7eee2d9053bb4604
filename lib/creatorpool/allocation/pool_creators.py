"""The creators of one pool, and caps on what each earns from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats, Integers


@dataclass(frozen=True)
class PoolCreators:
    """Who made each of a pool's n videos: creators by code 0 … G-1."""

    code: Integers  # (n,), the creator of each video
    label: NDArray[Any]  # (G,) ids, ascending
    cap: Floats  # (G,), micros, infinite where a creator has none

    @property
    def videos(self) -> Integers:
        """(G,) videos of each creator in the pool."""
        return np.bincount(self.code, minlength=self.label.size)

    def largest_floor(self) -> float:
        """The largest whole floor of one video, micros, that all creators' caps leave room for; may be infinite."""
        known = np.isfinite(self.cap)
        return float((self.cap[known] // np.maximum(self.videos[known], 1)).min(initial=np.inf))

    def floors_in_excess(self, floor: int) -> str | None:
        """Whose videos' floors of whole micros sum to more than the creator's cap, in words; None if nobody's do."""
        if floor <= self.largest_floor():
            return None
        g = int(np.argmax(floor * self.videos - self.cap))
        return (
            f"floors of {floor} micros for the {self.videos[g]} videos of creator '{self.label[g]}' exceed the "
            f"creator's cap, {self.cap[g]:.0f}"
        )

    def most(self, caps: Floats) -> float:
        """What the pool can pay at the most, micros, where its videos have these (n,) finite caps."""
        of_videos = np.bincount(self.code, weights=caps, minlength=self.label.size)
        return float(np.minimum(self.cap, of_videos).sum())


def pool_creators(creator: NDArray[Any], cap: Floats) -> PoolCreators:
    """From the (n,) creators of a pool's videos and the (n,) caps of these creators, nan where there is none."""
    label, code = np.unique(creator, return_inverse=True)
    return coded_creators(code.astype(np.int64), label, cap)


def coded_creators(code: Integers, label: NDArray[Any], cap: Floats) -> PoolCreators:
    """As `pool_creators`, of creators coded already: (n,) places in the (G,) distinct `label`, in any order."""
    order = np.argsort(label, kind="stable")
    place = np.empty(label.size, dtype=np.int64)
    place[order] = np.arange(label.size)
    own = np.empty(label.size)
    own[place[code]] = cap  # every video of a creator says the same
    return PoolCreators(place[code], label[order], np.where(np.isnan(own), np.inf, own))
