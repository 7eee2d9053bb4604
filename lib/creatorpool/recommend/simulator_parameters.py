"""What the simulated market is made of: people, videos, and how people answer (formulas §5.5, S2 table 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from creatorpool.errors import InputError

REGION_TASTES = {"west": "tech", "mid": "animals", "east": "food"}
"""S2 table 2.1: each region is open to one category beyond people's own two"""
AGES = ("18-24", "25-34", "35+")
OUTCOMES = ("skipped", "watched", "liked", "left")
SKIPPED, WATCHED, LIKED, LEFT = range(len(OUTCOMES))
REWARDS = (-2.0, 1.0, 2.0, -0.5)
"""of each outcome; leaving ends the session (formulas §5.4)"""
CATEGORY_CHOICES = ("tech", "animals", "food", "music", "sports", "comedy", "travel", "fashion")


@dataclass(frozen=True)
class SimulatorParameters:
    """The simulated market; all effects are on the log-odds scale.

    The source draws two interests a viewer at random and says that people in a region are open to one more category
    and come in different states of mind; it gives no numbers. These are ours: `simulator_calibration` fits the base
    rates to logs.
    """

    categories: tuple[str, ...] = CATEGORY_CHOICES
    videos: int = 2000
    viewers: int = 5000
    candidates: int = 10
    """r: videos that the base recommender offers at each step"""
    region_tilt: float = 3.0
    """how many times likelier the region's category is than another to be one of a viewer's two interests"""
    interest_accuracy: float = 0.85
    """chance that a predicted interest is the true one; else it is any category"""
    interest_share: float = 0.5
    """part of the candidates that are retrieved from the predicted interests"""
    taste_dimensions: int = 4

    base: float = -0.2
    """log-odds that a video is watched and not skipped, all else 0"""
    mood: float = 1.8
    """of a video in the interest that the viewer is in the mood for"""
    interest: float = 0.6
    """of a video in the other interest"""
    region: float = 0.5
    """of a video in the region's category, where that is no interest"""
    match: float = 0.5
    """of one standard deviation of the taste for this very video"""
    appeal: float = 0.5
    """of one standard deviation of what all like about the video"""
    fatigue: float = 0.7
    """lost with each video in a row of one category, up to three"""
    mood_switch: float = 0.08
    """chance that the mood turns to the other interest after a video"""
    like: float = -2.2
    """log-odds that a watched video is liked, all else 0"""
    like_slope: float = 0.6
    """how much of the log-odds to watch carries over to liking"""

    leave: float = -3.6
    """log-odds to leave instead of watching the next video, all else 0"""
    leave_irritation: float = 0.8
    """of irritation: a skip adds 1, a like takes `relief` off, and `patience` of it lasts to the next video"""
    relief: float = 0.5
    patience: float = 0.6
    leave_minutes: float = 0.08
    """of each minute in the session"""
    leave_ages: tuple[float, ...] = (-0.3, 0.0, 0.3)
    """of `AGES`: the young stay longer"""
    max_videos: int = 200
    """a session ends here at the latest"""

    length_seconds: float = 20.0
    """median length of a video; the spread is log-normal with σ = `length_spread`"""
    length_spread: float = 0.7
    skip_seconds: float = 2.5
    """looked at before a skip"""
    complete: float = 0.6
    """chance that a watched video is seen to its end; else a uniform part of it"""

    score_weights: tuple[float, float, float] = (1.0, 0.3, 1.0)
    """w1, w2, w3 of similarity, views and interest in the final score (formulas §5.2)"""
    score_noise: float = 0.5
    """standard deviation of the error of the similarity score"""
    typical_views: float = 300.0
    """median views of a video; the spread is log-normal with σ = 1, appealing videos have more"""
    prior: tuple[float, float] = (2.0, 2.0)
    """Beta counts of successes and failures that stand for a video with no views"""

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
            raise InputError(f"videos must be >= {len(self.categories)}, one a category, got {self.videos}")
        for name, length in (("leave_ages", len(AGES)), ("score_weights", 3), ("prior", 2)):
            if len(getattr(self, name)) != length:
                raise InputError(f"{name} must hold {length} numbers, got {getattr(self, name)}")
        if min(self.prior) <= 0:
            raise InputError(f"prior must be a pair of counts > 0, got {self.prior}")
