"""Two configurations on real logs: shrinkage must be clearly better than the published score."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import replace

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.actions import flags

from creatorpool.errors import ConfigurationError, InputError, MissingTableError
from creatorpool.settings import load_settings
from creatorpool.stages.evaluation import (
    EvaluationRules,
    EventWindow,
    evaluate,
    evaluated_changes,
    published_window,
)

RULES = EvaluationRules(min_viewers=5, long_view_ms=18_000, draws=50, seed=1)


@pytest.fixture(scope="module")
def real_window(spark, kuairand) -> EventWindow:
    """All days of the cut as one window. Hashes give tiers, categories and safety, which the logs lack."""
    (path,) = kuairand.glob("events_*.tsv.gz")
    log = pd.read_csv(path, sep="\t", dtype={"user_id": str, "video_id": str})
    log["length_ms"] = log.groupby("video_id").duration_ms.transform("max")
    log = log[log.length_ms > 0]
    videos = log.drop_duplicates("video_id")
    viewers = log.drop_duplicates("user_id")
    return EventWindow(
        _events(spark, log),
        spark.createDataFrame(
            [(user, "verified" if zlib.crc32(user.encode()) % 3 else "unverified") for user in viewers.user_id],
            "viewer_id string, trust_tier string",
        ),
        spark.createDataFrame(
            [
                (video, length, [f"made-up-{zlib.crc32(video.encode()) % 6}"], True, 0.9, 0.1)
                for video, length in zip(videos.video_id, videos.length_ms.tolist(), strict=True)
            ],
            "video_id string, length_ms long, categories array<string>, is_compliant boolean, "
            "s_pos double, s_tox double",
        ),
    )


def _events(spark: SparkSession, log: pd.DataFrame) -> DataFrame:
    events = pd.DataFrame(
        {
            "event_id": log.index.astype(str),
            "viewer_id": log.user_id,
            "video_id": log.video_id,
            "event_ts": pd.to_datetime(log.time_ms, unit="ms", utc=True),
            "watch_ms": log.play_time_ms.clip(upper=86_400_000),
            **flags(),
            "commented": log.is_comment.astype(bool),
            "shared": log.is_forward.astype(bool),
            "followed": log.is_follow.astype(bool),
        }
    )
    return spark.createDataFrame(events).withColumn("loop_count", F.lit(None).cast("int"))


def test_evaluate_on_real_logs_finds_shrinkage_clearly_better(real_window):
    shrunk = load_settings(assignments=["quality.smoothing=empirical_bayes"])
    evaluation = evaluate(real_window, shrunk, load_settings(), RULES)

    assert evaluation.coverage[0] > 0.99
    assert evaluation.coverage[1] < 0.05
    assert evaluation.videos_compared > 400
    reliability, prediction = evaluation.comparisons
    assert reliability.first.value > 0.5
    assert reliability.difference.low > 0.3
    assert prediction.first.value > 0.3
    assert prediction.difference.low > 0.15


def test_evaluate_without_enough_viewers_is_refused(real_window):
    rules = EvaluationRules(min_viewers=500, long_view_ms=18_000, draws=10, seed=1)
    with pytest.raises(InputError, match="at least 3 videos must have 500 viewers in each half, got 0"):
        evaluate(replace(real_window, events=real_window.events.limit(50)), load_settings(), load_settings(), rules)


def test_published_window_names_days_that_are_not_published(warehouse):
    with pytest.raises(MissingTableError, match="events of 2026-11-19, 2026-11-20 are not published"):
        published_window(warehouse, dt.date(2026, 11, 20), 2)


def test_configurations_of_equal_quality_are_refused_whatever_else_differs():
    shrunk = load_settings(assignments=["quality.smoothing=empirical_bayes"])

    assert [change.key for change in evaluated_changes(shrunk, load_settings())] == ["quality.smoothing"]
    with pytest.raises(ConfigurationError, match=r"both configurations have the same signals and quality.*--without"):
        evaluated_changes(load_settings(assignments=["allocation.alpha=0.7"]), load_settings())
