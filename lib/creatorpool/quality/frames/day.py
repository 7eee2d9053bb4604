"""The one path from a day's events to signals, smoothing and quality.

Nights, evaluations, verification and reproduction all use it.
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
"""Takes the rows of a table and its name, and returns the rows for the next step; a night returns the stored rows."""


@dataclass(frozen=True)
class DayScores:
    """One row per video each: the columns of contracts `video_signals` and `video_quality` except `date`."""

    signals: DataFrame
    quality: DataFrame
    priors: QualityPriors | None
    """None without smoothing"""


def score_day(
    events: DataFrame,
    viewers: DataFrame,
    videos: DataFrame,
    settings: Settings,
    keep: Keep = lambda rows, table: rows,
) -> DayScores:
    """Score one day's `events` (formulas §1); `keep` gets each table before the next one is computed from it."""
    signals = keep(video_signals(events, viewers, videos, settings.signals), "video_signals")
    quality, priors = score_signals(signals, videos, settings)
    return DayScores(signals, keep(quality, "video_quality"), priors)


def score_signals(signals: DataFrame, videos: DataFrame, settings: Settings) -> tuple[DataFrame, QualityPriors | None]:
    """Quality from a day's `signals`, and the fitted priors, None without smoothing."""
    priors = fit_day_priors(signals, videos, settings.signals) if settings.quality.is_smoothed else None
    return video_quality(signals, videos, settings.signals, priors), priors
