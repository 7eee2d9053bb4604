"""The creators of one pool, and the caps of their earnings from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.money import in_exact_units
from creatorpool.numerics.types import Floats, Integers


@dataclass(frozen=True)
class PoolCreators:
    """The creator of each of a pool's n videos; creators have the codes 0 … G-1."""

    code: Integers  # (n,), the creator of each video
    label: NDArray[Any]  # (G,) ids, ascending
    cap: Floats  # (G,), micros, infinite for a creator without a cap

    @property
    def videos(self) -> Integers:
        """(G,) number of each creator's videos in the pool."""
        return np.bincount(self.code, minlength=self.label.size)

    def largest_floor(self) -> float:
        """The largest floor per video, whole micros, that fits into every creator's cap; may be infinite."""
        known = np.isfinite(self.cap)
        return float((self.cap[known] // np.maximum(self.videos[known], 1)).min(initial=np.inf))

    def floors_in_excess(self, floor: int, currency: str = "") -> str | None:
        """A message on the creator whose floors exceed the cap most; None if `floor`, micros, fits all caps."""
        if floor <= self.largest_floor():
            return None
        g = int(np.argmax(floor * self.videos - self.cap))
        return (
            f"floors of {in_exact_units(floor, currency)} for the {self.videos[g]:,} videos of creator "
            f"'{self.label[g]}' exceed the creator's cap, {in_exact_units(int(self.cap[g]), currency)}"
        )

    def most(self, caps: Floats) -> float:
        """The most that the pool can pay, micros, if its videos have these (n,) finite caps."""
        of_videos = np.bincount(self.code, weights=caps, minlength=self.label.size)
        return float(np.minimum(self.cap, of_videos).sum())


def pool_creators(creator: NDArray[Any], cap: Floats) -> PoolCreators:
    """`PoolCreators` from (n,) ids of the videos' creators and (n,) caps of these creators, micros, nan for no cap."""
    label, code = np.unique(creator, return_inverse=True)
    return coded_creators(code.astype(np.int64), label, cap)


def coded_creators(code: Integers, label: NDArray[Any], cap: Floats) -> PoolCreators:
    """As `pool_creators`, from (n,) indices into the (G,) distinct ids `label`, which may have any order."""
    order = np.argsort(label, kind="stable")
    place = np.empty(label.size, dtype=np.int64)
    place[order] = np.arange(label.size)
    own = np.empty(label.size)
    own[place[code]] = cap  # all videos of a creator hold the same cap
    return PoolCreators(place[code], label[order], np.where(np.isnan(own), np.inf, own))
