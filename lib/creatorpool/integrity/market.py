"""A day under attack: its videos, its pools, and what any of them would be paid (formulas §2.11)."""

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
from creatorpool.integrity.attack import FakeViewer, Places, with_fake_viewers
from creatorpool.numerics.types import Floats
from creatorpool.quality.formula import Columns, QualityFormula
from creatorpool.quality.smoothing import QualityPriors


@dataclass(frozen=True)
class Attack:
    """`fakes` fake viewers on one video."""

    video: int
    """Its place among the day's videos"""
    fakes: int
    fake: FakeViewer


@dataclass(frozen=True)
class Contest:
    """A pool, and where its (m,) videos stand among the day's."""

    pool: Pool
    policy: SplitPolicy
    videos: Places


@dataclass(frozen=True)
class Market:
    """A day's videos and pools, with the formula that they are, or would be, scored by."""

    columns: Columns
    creator: NDArray[Any]
    """(n,) creators' ids"""
    formula: QualityFormula
    contests: Mapping[str, Contest]

    @cached_property
    def priors(self) -> QualityPriors | None:
        """As fitted from the day without an attack."""
        return self.formula.priors(self.columns)

    @cached_property
    def effective_impressions(self) -> Floats:
        """(n,) M of the day without an attack."""
        return self.formula.effective_impressions(self.columns, self.priors)

    @cached_property
    def splits(self) -> Mapping[str, Allocation]:
        """Each pool without an attack."""
        return {
            name: contest.pool.split(contest.policy, self.effective_impressions[contest.videos])
            for name, contest in self.contests.items()
        }

    def pools_of(self, video: int) -> list[str]:
        """Categories of the pools that a video shares."""
        return list(self.places_of(video))

    def places_of(self, video: int) -> dict[str, int]:
        """Where a video stands in each of the pools that it shares, by category."""
        places = {name: place_of(contest, video) for name, contest in self.contests.items()}
        return {name: place for name, place in places.items() if place is not None}

    def earned(self, video: int, impressions: Floats | None = None) -> float:
        """Micros that the creator of `video` earns in the pools that it shares, of other (n,) M if given."""
        return math.fsum(self._earned_in(name, video, impressions) for name in self.pools_of(video))

    def _earned_in(self, category: str, video: int, impressions: Floats | None) -> float:
        contest = self.contests[category]
        if impressions is None:
            payout = self.splits[category].payout
        else:
            payout = contest.pool.split(contest.policy, impressions[contest.videos]).payout
        return math.fsum(payout[self.creator[contest.videos] == self.creator[video]])

    def gain(self, attack: Attack) -> float:
        """Micros that an attack earns the video's creator, in the pools that the video shares.

        The video is scored and its pools are solved anew. Where rates are smoothed the priors are fitted anew as well,
        to a category that now holds the fakes. The pools' money stays what it is: fakes bring in none.
        """
        return self.earned(attack.video, self.impressions_under(attack)) - self.earned(attack.video)

    def impressions_under(self, attack: Attack) -> Floats:
        """(n,) M of all videos under an attack."""
        row = np.array([attack.video])
        changed = with_fake_viewers(self.columns, row, attack.fakes, attack.fake, self.formula)
        if self.priors is None:
            peers, columns = row, changed
        else:
            # Priors are fitted within the category: no other video's score changes.
            peers = np.flatnonzero(self.columns["category"] == self.columns["category"][attack.video])
            columns = {name: values[peers].copy() for name, values in self.columns.items()}
            for name, values in changed.items():
                columns[name] = columns[name].astype(values.dtype)
                columns[name][peers == attack.video] = values
        impressions = self.effective_impressions.copy()
        impressions[peers] = self.formula.effective_impressions(columns, self.formula.priors(columns))
        return impressions

    def estimated_gains(self, fake: FakeViewer) -> Floats:
        """About what one fake viewer more earns each of the (n,) videos, micros: a guide to where to look.

        Priors and prices stay as they are, but for the money that the video itself takes from its pool, and no creator
        gains beyond the creator's cap: all videos at once, at the cost of one pass.
        """
        every = np.arange(self.creator.size)
        columns = with_fake_viewers(self.columns, every, 1, fake, self.formula)
        impressions = self.formula.effective_impressions(columns, self.priors)
        gains = np.zeros(every.size)
        for name, contest in self.contests.items():
            own, pool = impressions[contest.videos], contest.pool
            split = self.splits[name]
            code = None if pool.creators is None else pool.creators.code
            at_same_price = payout_from_dual(split.dual, own, *pool.bounds(own), creator=code)[0]
            gain = (at_same_price - split.payout) * (1.0 - at_same_price / max(pool.money, 1))
            gains[contest.videos] += np.minimum(gain, room(pool, split.payout))
        return gains

    def typical_videos(self, category: str, quantile: float) -> dict[str, int]:
        """A small and a large creator's best video in a pool, by M.

        Of the creators with effective impressions there, in ascending order, ties by id: the one at `quantile` and the
        last; of either the video with the largest M, ties by id.
        """
        videos = self.contests[category].videos
        m = self.effective_impressions[videos]
        names, code = np.unique(self.creator[videos], return_inverse=True)
        order, total = creators_by_size(code, m, names.size)
        rated = order[total[order] > 0]
        chosen = {"small": rated[int(quantile * (rated.size - 1))], "large": rated[-1]}
        return {
            target: int(videos[np.flatnonzero(code == creator)[np.argmax(m[code == creator])]])
            for target, creator in chosen.items()
        }


def room(pool: Pool, payout: Floats) -> Floats:
    """(n,) micros that each video's creator may earn beyond (n,) `payout` before the creator's cap binds."""
    if pool.creators is None:
        return np.full(payout.size, np.inf)
    earned = np.bincount(pool.creators.code, weights=payout, minlength=pool.creators.label.size)
    return np.maximum(pool.creators.cap - earned, 0.0)[pool.creators.code]


def place_of(contest: Contest, video: int) -> int | None:
    """Where a video of the day stands in the pool, None if it does not share it. Places ascend as the ids do."""
    place = int(np.searchsorted(contest.videos, video))
    return place if place < contest.videos.size and contest.videos[place] == video else None
