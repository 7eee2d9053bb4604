"""A day's events rated: the one path from events to signals, smoothing and quality.

Nights, evaluations, verification and reproduction all take it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.quality.frames.score import fit_day_priors, video_quality
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.quality.smoothing import QualityPriors
from creatorpool.settings import Settings

Keep = Callable[[DataFrame, str], DataFrame]
"""Takes the rows of a table, and gives the rows to go on with: as stored, in a night."""


@dataclass(frozen=True)
class DayScores:
    """One row a video each, by contracts `video_signals` and `video_quality` without their day."""

    signals: DataFrame
    quality: DataFrame
    priors: QualityPriors | None
    """None where nothing is smoothed"""


def score_day(
    events: DataFrame,
    viewers: DataFrame,
    videos: DataFrame,
    settings: Settings,
    keep: Keep = lambda rows, table: rows,
) -> DayScores:
    """Rate one day's `events` (formulas §1); `keep` gets each table before the next one is computed from it."""
    signals = keep(video_signals(events, viewers, videos, settings.signals), "video_signals")
    quality, priors = score_signals(signals, videos, settings)
    return DayScores(signals, keep(quality, "video_quality"), priors)


def score_signals(signals: DataFrame, videos: DataFrame, settings: Settings) -> tuple[DataFrame, QualityPriors | None]:
    """Quality of a day's `signals`, and the priors that it is smoothed by, None where it is not."""
    is_smoothed = settings.quality.smoothing == "empirical_bayes"
    priors = fit_day_priors(signals, videos, settings.signals) if is_smoothed else None
    return video_quality(signals, videos, settings.signals, priors), priors
