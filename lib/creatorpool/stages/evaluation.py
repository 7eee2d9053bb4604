"""Compares two configurations on the same published events, with the transforms of the night.

Scores are computed from all viewers, and from two halves of the viewers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from creatorpool.errors import ConfigurationError, InputError, MissingTableError
from creatorpool.quality.evaluate import Comparison, HalfScores, compare, coverage
from creatorpool.quality.frames.day import score_day
from creatorpool.quality.frames.halves import HALVES, long_view_share, split_videos, split_viewers
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.setting_changes import SettingChange, setting_changes
from creatorpool.settings import Settings
from creatorpool.tables import Warehouse

SECTIONS = ("signals", "quality")
"""Sections of the configuration that quality depends on"""


@dataclass(frozen=True)
class EvaluationRules:
    """Settings of the evaluation, the same for both configurations."""

    min_viewers: int
    """Least number of viewers of a video in each half; with fewer, its score is mostly chance"""
    long_view_ms: int
    """An event that lasts this long, or as long as its video, is a long view"""
    draws: int
    """Number of bootstrap samples"""
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """Results of both configurations."""

    videos: int
    """Eligible videos"""
    videos_compared: int
    """Eligible videos with enough viewers in both halves"""
    coverage: tuple[float, float]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class EventWindow:
    """Published events, with the viewers and videos that they refer to."""

    events: DataFrame
    viewers: DataFrame
    videos: DataFrame


def published_window(warehouse: Warehouse, last: date, days: int) -> EventWindow:
    """The events of the `days` days up to `last`.

    Raises
    ------
    MissingTableError
        If events of one of these days are not published.
    """
    window = [last - timedelta(days=back) for back in range(days)]
    missing = [day.isoformat() for day in sorted(window) if published_run(warehouse, INGEST, day) is None]
    if missing:
        raise MissingTableError(
            f"events of {', '.join(missing)} are not published under {warehouse.root}: ingest them, or ask for "
            f"fewer --days"
        )
    events = warehouse.read("events", days=window)
    return EventWindow(events, warehouse.read("viewers"), warehouse.read("videos"))


def evaluated_changes(first: Settings, second: Settings) -> list[SettingChange]:
    """The settings that quality depends on and that differ from `second` to `first`.

    Raises
    ------
    ConfigurationError
        If there are none.
    """
    changes = setting_changes(first, second, SECTIONS)
    if not changes:
        raise ConfigurationError(
            "both configurations have the same signals and quality, so that nothing can be compared: say what differs "
            "with --without SIGNAL, --set, --conf or --against"
        )
    return changes


def evaluate(window: EventWindow, first: Settings, second: Settings, rules: EvaluationRules) -> Evaluation:
    """Coverage, split-half reliability and prediction of held-out long views of two configurations (formulas §1.6).

    Raises
    ------
    InputError
        If fewer than 3 videos have enough viewers in both halves.
    """
    halved = EventWindow(split_viewers(window.events, rules.seed), window.viewers, split_videos(window.videos))
    long_views = long_view_share(halved.events, halved.videos, rules.long_view_ms).toPandas()
    halves = [_wide(_scored(halved, settings), long_views, rules.min_viewers) for settings in (first, second)]
    common = halves[0].index.intersection(halves[1].index).sort_values()
    if len(common) < 3:
        raise InputError(
            f"at least 3 videos must have {rules.min_viewers} viewers in each half, got {len(common)} videos: evaluate "
            f"more days, or ask for fewer viewers"
        )
    whole = [_scored(window, settings) for settings in (first, second)]
    return Evaluation(
        videos=int(whole[0].is_compliant.sum()),
        videos_compared=len(common),
        coverage=(_coverage(whole[0]), _coverage(whole[1])),
        comparisons=compare(*(_half_scores(half.loc[common]) for half in halves), draws=rules.draws, seed=rules.seed),
    )


def _scored(window: EventWindow, settings: Settings) -> pd.DataFrame:
    """Quality and number of viewers of each video, one row per video."""
    scores = score_day(window.events, window.viewers, window.videos, settings)
    found: pd.DataFrame = (
        scores.quality.select("video_id", "quality_score", "is_compliant")
        .join(scores.signals.select("video_id", "viewers"), on="video_id", how="inner")
        .toPandas()
    )
    return found


def _wide(scored: pd.DataFrame, long_views: pd.DataFrame, min_viewers: int) -> pd.DataFrame:
    """Quality and long views of eligible videos with enough viewers in both halves, one row per video."""
    enough = scored[scored.is_compliant & (scored.viewers >= min_viewers)].merge(long_views, on="video_id")
    suffix = len(HALVES[0])
    enough = enough.assign(video=enough.video_id.str[:-suffix], half=enough.video_id.str[-suffix:])
    return enough.pivot_table(index="video", columns="half", values=["quality_score", "long_views"]).dropna()


def _half_scores(wide: pd.DataFrame) -> HalfScores:
    quality, long_views = (
        np.vstack([wide[(measure, half)].to_numpy() for half in HALVES]) for measure in ("quality_score", "long_views")
    )
    return HalfScores(quality, long_views)


def _coverage(scored: pd.DataFrame) -> float:
    return coverage(scored.quality_score, scored.is_compliant)
