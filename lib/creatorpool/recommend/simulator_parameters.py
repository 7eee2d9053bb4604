"""Parameters of the simulated market: viewers, videos, and viewers' behaviour (formulas §5.5, S2 table 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from creatorpool.errors import InputError

REGION_TASTES = {"west": "tech", "mid": "animals", "east": "food"}
"""S2 table 2.1: the category that people of each region like besides their own two"""
AGES = ("18-24", "25-34", "35+")
OUTCOMES = ("skipped", "watched", "liked", "left")
SKIPPED, WATCHED, LIKED, LEFT = range(len(OUTCOMES))
REWARDS = (-2.0, 1.0, 2.0, -0.5)
"""reward of each outcome; leaving ends the session (formulas §5.4)"""
CATEGORY_CHOICES = ("tech", "animals", "food", "music", "sports", "comedy", "travel", "fashion")


@dataclass(frozen=True)
class SimulatorParameters:
    """Parameters of the simulated market; all effects are on the log-odds scale.

    The source draws two interests per viewer at random. It says that people of a region like one more category and are
    in different moods, but gives no numbers. The numbers here are ours; `simulator_calibration` fits the base rates to
    logs.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    categories: tuple[str, ...] = CATEGORY_CHOICES
    videos: int = 2000
    viewers: int = 5000
    candidates: int = 10
    """r: videos that the base recommender offers at each step"""
    region_tilt: float = 3.0
    """weight of the region's category among a viewer's interests, relative to any other category"""
    interest_accuracy: float = 0.85
    """probability that a predicted interest is the true one; else it is a random category"""
    interest_share: float = 0.5
    """part of the candidates that come from the predicted interests"""
    taste_dimensions: int = 4

    base: float = -0.2
    """log-odds that a video is watched, not skipped, if all effects are 0"""
    mood: float = 1.8
    """effect on watching of the interest that the viewer is in the mood for"""
    interest: float = 0.6
    """effect on watching of the other interest"""
    region: float = 0.5
    """effect on watching of the region's category, if it is not an interest"""
    match: float = 0.5
    """effect on watching of one standard deviation of the match of viewer and video"""
    appeal: float = 0.5
    """effect on watching of one standard deviation of the video's appeal"""
    fatigue: float = 0.7
    """decrease for each preceding video of the same category in a row, up to three"""
    mood_switch: float = 0.08
    """probability that the mood changes to the other interest after a video"""
    like: float = -2.2
    """log-odds that a watched video is liked, if the log-odds of watching are 0"""
    like_slope: float = 0.6
    """effect of the log-odds of watching on the log-odds of liking"""

    leave: float = -3.6
    """log-odds of leaving instead of watching the next video, if all effects are 0"""
    leave_irritation: float = 0.8
    """effect of irritation on leaving"""
    relief: float = 0.5
    """decrease of irritation by a like; a skip increases it by 1"""
    patience: float = 0.6
    """part of the irritation that remains at the next video, in [0, 1]"""
    leave_minutes: float = 0.08
    """effect on leaving of each minute in the session"""
    leave_ages: tuple[float, ...] = (-0.3, 0.0, 0.3)
    """effects of `AGES` on leaving: the young stay longer"""
    max_videos: int = 200
    """largest number of videos in a session"""

    length_seconds: float = 20.0
    """median length of a video; the spread is log-normal with σ = `length_spread`"""
    length_spread: float = 0.7
    skip_seconds: float = 2.5
    """seconds watched before a skip"""
    complete: float = 0.6
    """probability that a watched video is completed; else a uniform part of it is watched"""

    score_weights: tuple[float, float, float] = (1.0, 0.3, 1.0)
    """w1, w2, w3 of similarity, views and interest in the final score (formulas §5.2)"""
    score_noise: float = 0.5
    """standard deviation of the error of the similarity score"""
    typical_views: float = 300.0
    """median views of a video; log-normal with σ = 1, and more for appealing videos"""
    prior: tuple[float, float] = (2.0, 2.0)
    """Beta prior of a video's success rate: counts of successes and failures, > 0"""

    def __post_init__(self) -> None:
        for name in ("videos", "viewers", "candidates", "taste_dimensions", "max_videos"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be >= 1, got {getattr(self, name)}")
        for name in ("interest_accuracy", "interest_share", "mood_switch", "patience", "complete"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        for name in ("region_tilt", "length_seconds", "typical_views"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be > 0, got {getattr(self, name)}")
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite([part for part in np.atleast_1d(value) if not isinstance(part, str)]).all():
                raise InputError(f"{item.name} must be finite, got {value}")
        self._check_lists()

    def _check_lists(self) -> None:
        missing = [taste for taste in REGION_TASTES.values() if taste not in self.categories]
        if missing or len(set(self.categories)) < len(self.categories):
            raise InputError(
                f"categories must be distinct and hold {list(REGION_TASTES.values())}, got {self.categories}"
            )
        if self.videos < len(self.categories):
            raise InputError(f"videos must be >= {len(self.categories)}, one per category, got {self.videos}")
        for name, length in (("leave_ages", len(AGES)), ("score_weights", 3), ("prior", 2)):
            if len(getattr(self, name)) != length:
                raise InputError(f"{name} must hold {length} numbers, got {getattr(self, name)}")
        if min(self.prior) <= 0:
            raise InputError(f"prior must be a pair of counts > 0, got {self.prior}")
