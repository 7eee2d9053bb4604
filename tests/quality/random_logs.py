"""Hundreds of small random logs in one table: each has its own videos, and all share viewers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from tests.actions import FLAG_SCHEMA

from creatorpool.actions import ACTION_FLAGS

EVENT_SCHEMA = (
    "event_id string, viewer_id string, video_id string, event_ts timestamp, watch_ms long, loop_count int, "
    f"{FLAG_SCHEMA}"
)
VIEWER_SCHEMA = "viewer_id string, trust_tier string"
VIDEO_SCHEMA = (
    "video_id string, creator_id string, length_ms long, categories array<string>, is_compliant boolean, "
    "s_pos double, s_tox double"
)
MIDNIGHT = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Logs:
    events: list[dict[str, Any]]
    viewers: list[dict[str, Any]]
    videos: list[dict[str, Any]]

    def frames(self, spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
        """Events, viewers and videos as the tables have them."""
        return (
            _frame(spark, self.events, EVENT_SCHEMA),
            _frame(spark, self.viewers, VIEWER_SCHEMA),
            _frame(spark, self.videos, VIDEO_SCHEMA),
        )

    def tier_of(self) -> dict[str, str]:
        return {viewer["viewer_id"]: viewer["trust_tier"] for viewer in self.viewers}

    def events_of(self, video_id: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["video_id"] == video_id]


def random_logs(videos: int, seed: int, tiers: tuple[str, ...] = ("verified", "unverified")) -> Logs:
    """`videos` videos with 1 to 25 events by few viewers, so that extremes occur: all or none acted, all watched."""
    rng = np.random.default_rng(seed)
    viewers = [{"viewer_id": f"u{i:02}", "trust_tier": tiers[int(rng.integers(len(tiers)))]} for i in range(30)]
    catalogue = [_random_video(rng, f"v{v:04}") for v in range(videos)]
    events = [event for video in catalogue for event in _random_events(rng, video, len(viewers))]
    return Logs(events, viewers, catalogue)


def _random_video(rng: np.random.Generator, video_id: str) -> dict[str, Any]:
    return {
        "video_id": video_id,
        "creator_id": "g0",
        "length_ms": int(rng.integers(1, 60_000)),
        "categories": [f"c{int(rng.integers(3))}", "other"],
        "is_compliant": bool(rng.random() < 0.9),
        "s_pos": float(rng.choice([0.0, 1.0, rng.random()])),
        "s_tox": float(rng.choice([0.0, 1.0, rng.random()])),
    }


def _random_events(rng: np.random.Generator, video: dict[str, Any], viewers: int) -> list[dict[str, Any]]:
    chances = rng.choice([0.0, 0.05, 0.5, 1.0], 4)
    counts_loops = rng.random() < 0.5
    few = rng.integers(1, viewers + 1)
    return [
        {
            "event_id": f"{video['video_id']}-{e:02}",
            "viewer_id": f"u{int(rng.integers(few)):02}",
            "video_id": video["video_id"],
            # There are few distinct times, so event_id breaks ties.
            "event_ts": MIDNIGHT + dt.timedelta(seconds=int(rng.integers(5))),
            "watch_ms": int(rng.choice([0, 1, video["length_ms"], rng.integers(0, 3 * video["length_ms"] + 1)])),
            "loop_count": int(rng.integers(0, 3)) if counts_loops else None,
            **dict(zip(ACTION_FLAGS, (rng.random(len(ACTION_FLAGS)) < chances).tolist(), strict=True)),
        }
        for e in range(int(rng.integers(1, 26)))
    ]


def _frame(spark: SparkSession, rows: list[dict[str, Any]], schema: str) -> DataFrame:
    names = [field.split()[0] for field in schema.split(", ")]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in rows], schema)
