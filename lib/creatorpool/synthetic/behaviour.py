"""Viewers' behaviour given a video's true quality; bots' behaviour does not depend on quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creatorpool.actions import ACTIONS
from creatorpool.synthetic.population import TOXIC, Bools, Floats, Ints, Population

_BOT_ON_TARGET = 0.8
_LOOPS_UNLOGGED_SHARE = 0.02


@dataclass(frozen=True)
class ActionHabits:
    """Probabilities that a view has an action: ``base + slope · quality`` for viewers who are not bots."""

    base: float
    slope: float
    outrage: float
    """addition for the toxic video, which engages by outrage"""
    liker: float
    """probability for bots of the kind `liker`, for any video"""


_HABITS = {
    "like": ActionHabits(base=0.02, slope=0.25, outrage=0.10, liker=0.95),
    "comment": ActionHabits(base=0.005, slope=0.08, outrage=0.30, liker=0.02),
    "share": ActionHabits(base=0.003, slope=0.07, outrage=0.25, liker=0.05),
    "follow": ActionHabits(base=0.002, slope=0.06, outrage=0.01, liker=0.5),
}


@dataclass(frozen=True)
class Views:
    """(n,) arrays, one entry per view: positions of viewer and video, watch time, loops and actions."""

    viewer: Ints
    video: Ints
    watch_ms: Ints
    loop_count: Ints
    loops_logged: Bools
    actions: dict[str, Bools]
    """by column of the events"""


class ViewSampler:
    """Draws views from a population; computes the cumulative popularity once."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._cumulated = np.cumsum(population.videos.popularity)
        self._targets = np.flatnonzero(population.videos.is_boosted)
        self._is_bot = population.viewers.is_liker | population.viewers.is_looper

    def draw(self, n: int, rng: np.random.Generator) -> Views:
        """Draw `n` views: videos by popularity, viewers uniformly; bots mostly watch the videos that pay for them."""
        viewer = rng.integers(0, len(self._is_bot), n)
        popular = np.searchsorted(self._cumulated, rng.random(n) * self._cumulated[-1], side="right")
        video = np.minimum(popular, len(self._cumulated) - 1)
        is_paid = self._is_bot[viewer] & (rng.random(n) < _BOT_ON_TARGET)
        video[is_paid] = rng.choice(self._targets, int(is_paid.sum()))
        return self.watch(viewer, video, rng)

    def watch(self, viewer: Ints, video: Ints, rng: np.random.Generator) -> Views:
        """Draw the behaviour of (n,) viewers on (n,) videos, given by position."""
        videos, viewers = self._population.videos, self._population.viewers
        quality, length = videos.quality[video], videos.length_ms[video]
        is_liker, is_looper = viewers.is_liker[viewer], viewers.is_looper[viewer]
        share = _watched_share(quality, video == TOXIC, rng)
        share = np.where(is_liker, rng.uniform(0.01, 0.08, len(video)), np.where(is_looper, 1.0, share))
        watch = np.maximum(1, np.rint(share * length)).astype(np.int64)
        return Views(
            viewer=viewer,
            video=video,
            watch_ms=watch,
            loop_count=watch // length,
            loops_logged=rng.random(len(video)) >= _LOOPS_UNLOGGED_SHARE,
            actions=_actions(quality, video == TOXIC, is_liker, is_looper, rng),
        )


def _watched_share(quality: Floats, is_toxic: Bools, rng: np.random.Generator) -> Floats:
    """Watched share of the video: it rises with quality, and exceeds 1 if the viewer watches again."""
    once = np.clip(rng.normal(0.1 + 0.8 * quality + 0.35 * is_toxic, 0.22), 0.005, 1.0)
    again = rng.random(len(quality)) < 0.02 + 0.25 * quality**2
    return once + again * rng.uniform(0.2, 1.3, len(quality))


def _actions(
    quality: Floats, is_toxic: Bools, is_liker: Bools, is_looper: Bools, rng: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    done = {}
    for action in ACTIONS:
        habits = _HABITS[action.name]
        chance = habits.base + habits.slope * quality + habits.outrage * is_toxic
        chance = np.where(is_liker, habits.liker, np.where(is_looper, 0.0, chance))
        done[action.event_column] = rng.random(len(quality)) < chance
    return done
