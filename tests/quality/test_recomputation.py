"""Signals and quality against a plain-Python re-computation from raw rows, and their independence of the row order."""

from __future__ import annotations

import pandas as pd
import pytest

from creatorpool.quality.frames.columns import SIGNAL_COLUMNS
from creatorpool.quality.frames.score import fit_day_priors, video_quality
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.settings import QualifiedView, SignalSettings

from .plain_python import recomputed_quality
from .random_logs import Logs, random_logs

MEASURES = list(SIGNAL_COLUMNS)

RULES = {
    "as configured": {},
    "three tiers, weights that are not decimals": {
        "tiers": {"verified": 1.0, "unverified": 1 / 3, "trusted": 2**0.5},
    },
    "qualified views and a daily limit": {
        "qualified_view": QualifiedView(min_watch_ms=500, min_share=0.3),
        "max_daily_views_per_viewer": 2,
    },
}


def _plain_rules(settings: SignalSettings) -> dict:
    return {
        "tiers": settings.tiers,
        "action_weights": settings.action_weights.model_dump(),
        "component_weights": settings.component_weights.model_dump(),
        "toxicity_penalty": settings.toxicity_penalty,
        "limit": settings.max_daily_views_per_viewer,
        "min_watch_ms": settings.qualified_view.min_watch_ms,
        "min_share": settings.qualified_view.min_share,
    }


def _expected(logs: Logs, settings: SignalSettings) -> pd.DataFrame:
    rules, tier_of = _plain_rules(settings), logs.tier_of()
    rows = {
        video["video_id"]: recomputed_quality(logs.events_of(video["video_id"]), tier_of, video, rules)
        for video in logs.videos
    }
    return pd.DataFrame.from_dict({video: row for video, row in rows.items() if row}, orient="index").sort_index()


@pytest.mark.parametrize("rules", RULES)
def test_quality_of_400_random_logs_equals_plain_python(spark, configuration, rules):
    settings = configuration.signals.model_copy(update=RULES[rules])
    logs = random_logs(400, seed=len(rules), tiers=tuple(sorted(settings.tiers)))
    events, viewers, videos = logs.frames(spark)

    signals = video_signals(events, viewers, videos, settings)
    quality = video_quality(signals, videos, settings)

    expected = _expected(logs, settings)
    assert len(expected) > 250
    found = signals.toPandas().set_index("video_id").sort_index()
    scored = quality.toPandas().set_index("video_id").sort_index()
    pd.testing.assert_frame_equal(
        found[MEASURES], expected[MEASURES], check_dtype=False, check_names=False, rtol=0, atol=1e-12
    )
    scores = ["raw_score", "quality_score"]
    pd.testing.assert_frame_equal(
        scored[scores], expected[scores], check_dtype=False, check_names=False, rtol=0, atol=1e-12
    )


def test_quality_of_shuffled_and_repartitioned_rows_is_the_same_to_the_last_bit(spark, configuration):
    settings = configuration.signals
    logs = random_logs(200, seed=9)

    def qualities(partitions: int, by: str) -> pd.DataFrame:
        events, viewers, videos = logs.frames(spark)
        events = events.orderBy(by).repartition(partitions)
        signals = video_signals(events, viewers, videos.repartition(partitions), settings)
        priors = fit_day_priors(signals, videos, settings)
        smoothed = video_quality(signals, videos, settings, priors)
        both = video_quality(signals, videos, settings).unionByName(smoothed)
        return both.toPandas().sort_values(["smoothing", "video_id"], ignore_index=True)

    once = qualities(1, "event_id")
    assert (once.groupby("smoothing").quality_score.max() > 0).all()
    pd.testing.assert_frame_equal(qualities(7, "watch_ms"), once, check_exact=True)
