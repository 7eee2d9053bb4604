"""A day under attack: its videos, its pools, and the payouts of its videos (formulas §2.11)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation import Allocation, payout_from_dual
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.measures import creators_by_size
from creatorpool.comparison.pool import Pool
from creatorpool.integrity.attack import FakeViewer, Indices, with_fake_viewers
from creatorpool.numerics.types import Floats
from creatorpool.quality.formula import Columns, QualityFormula
from creatorpool.quality.smoothing import QualityPriors


@dataclass(frozen=True)
class Attack:
    """`fakes` fake viewers on one video."""

    video: int
    """Index among the day's videos"""
    fakes: int
    fake: FakeViewer


@dataclass(frozen=True)
class MarketPool:
    """A pool with its policy, and the (m,) indices of its videos among the day's."""

    pool: Pool
    policy: SplitPolicy
    videos: Indices


@dataclass(frozen=True)
class Market:
    """A day's videos and pools, with the formula that scores the videos."""

    columns: Columns
    creator: NDArray[Any]
    """(n,) creators' ids"""
    formula: QualityFormula
    pools: Mapping[str, MarketPool]

    @cached_property
    def priors(self) -> QualityPriors | None:
        """Priors fitted from the day without an attack; None without smoothing."""
        return self.formula.priors(self.columns)

    @cached_property
    def effective_impressions(self) -> Floats:
        """(n,) effective impressions M of the day without an attack."""
        return self.formula.effective_impressions(self.columns, self.priors)

    @cached_property
    def splits(self) -> Mapping[str, Allocation]:
        """The split of each pool without an attack."""
        return {
            name: market_pool.pool.split(market_pool.policy, self.effective_impressions[market_pool.videos])
            for name, market_pool in self.pools.items()
        }

    def pools_of(self, video: int) -> list[str]:
        """Categories of the pools that a video shares."""
        return list(self.indices_in_pools(video))

    def indices_in_pools(self, video: int) -> dict[str, int]:
        """Index of a video in each pool that it shares, by category."""
        found = {name: index_in_pool(market_pool, video) for name, market_pool in self.pools.items()}
        return {name: index for name, index in found.items() if index is not None}

    def earned(self, video: int, impressions: Floats | None = None) -> float:
        """Micros that the creator of `video` earns in its pools; (n,) `impressions` replace the day's M if given."""
        return math.fsum(self._earned_in(name, video, impressions) for name in self.pools_of(video))

    def _earned_in(self, category: str, video: int, impressions: Floats | None) -> float:
        market_pool = self.pools[category]
        if impressions is None:
            payout = self.splits[category].payout
        else:
            payout = market_pool.pool.split(market_pool.policy, impressions[market_pool.videos]).payout
        return math.fsum(payout[self.creator[market_pool.videos] == self.creator[video]])

    def gain(self, attack: Attack) -> float:
        """Micros that an attack earns the video's creator, in the pools that the video shares.

        The video is scored again and its pools are solved again. With smoothing the priors of its category are fitted
        again too, fakes included. The pools' money does not change: fakes bring in none.
        """
        return self.earned(attack.video, self.impressions_under(attack)) - self.earned(attack.video)

    def impressions_under(self, attack: Attack) -> Floats:
        """(n,) effective impressions M of all videos under an attack."""
        row = np.array([attack.video])
        changed = with_fake_viewers(self.columns, row, attack.fakes, attack.fake, self.formula)
        if self.priors is None:
            peers, columns = row, changed
        else:
            # Priors are fitted within the category: scores in other categories do not change.
            peers = np.flatnonzero(self.columns["category"] == self.columns["category"][attack.video])
            columns = {name: values[peers].copy() for name, values in self.columns.items()}
            for name, values in changed.items():
                columns[name] = columns[name].astype(values.dtype)
                columns[name][peers == attack.video] = values
        impressions = self.effective_impressions.copy()
        impressions[peers] = self.formula.effective_impressions(columns, self.formula.priors(columns))
        return impressions

    def estimated_gains(self, fake: FakeViewer) -> Floats:
        """Estimated gain, micros, of one fake viewer on each of the (n,) videos, to choose videos for exact solutions.

        One pass estimates all videos. Priors and prices do not change. Each gain is reduced by the video's share of its
        pool, in place of the change of the pool's price. No creator gains beyond the creator's cap.
        """
        every = np.arange(self.creator.size)
        columns = with_fake_viewers(self.columns, every, 1, fake, self.formula)
        impressions = self.formula.effective_impressions(columns, self.priors)
        gains = np.zeros(every.size)
        for name, market_pool in self.pools.items():
            own, pool = impressions[market_pool.videos], market_pool.pool
            split = self.splits[name]
            code = None if pool.creators is None else pool.creators.code
            at_same_price = payout_from_dual(split.dual, own, *pool.bounds(own), creator=code)[0]
            gain = (at_same_price - split.payout) * (1.0 - at_same_price / max(pool.money, 1))
            gains[market_pool.videos] += np.minimum(gain, creator_headroom(pool, split.payout))
        return gains

    def typical_videos(self, category: str, quantile: float) -> dict[str, int]:
        """The video with the largest M, ties by id, of a small and of a large creator in a pool.

        The pool's creators with effective impressions are sorted by them, ascending, ties by id. The small creator is
        the one at `quantile`, in [0, 1], the large one is the last.
        """
        videos = self.pools[category].videos
        m = self.effective_impressions[videos]
        names, code = np.unique(self.creator[videos], return_inverse=True)
        order, total = creators_by_size(code, m, names.size)
        rated = order[total[order] > 0]
        chosen = {"small": rated[int(quantile * (rated.size - 1))], "large": rated[-1]}
        return {
            target: int(videos[np.flatnonzero(code == creator)[np.argmax(m[code == creator])]])
            for target, creator in chosen.items()
        }


def creator_headroom(pool: Pool, payout: Floats) -> Floats:
    """(n,) micros that each video's creator can earn beyond (n,) `payout` before the creator's cap binds."""
    if pool.creators is None:
        return np.full(payout.size, np.inf)
    earned = np.bincount(pool.creators.code, weights=payout, minlength=pool.creators.label.size)
    return np.maximum(pool.creators.cap - earned, 0.0)[pool.creators.code]


def index_in_pool(market_pool: MarketPool, video: int) -> int | None:
    """Index in the pool of a video of the day, None if it does not share the pool. Indices ascend with ids."""
    index = int(np.searchsorted(market_pool.videos, video))
    return index if index < market_pool.videos.size and market_pool.videos[index] == video else None
