"""Halves of each video's viewers: each pair is in one half at random, the same on each engine."""

from __future__ import annotations

import hashlib

import pytest

from creatorpool.quality.frames.halves import long_view_share, split_videos, split_viewers


@pytest.fixture
def events(spark):
    pairs = [(f"v{v}", f"u{u}", watch) for v in range(30) for u in range(60) for watch in (1_000, 20_000)]
    return spark.createDataFrame(pairs, "video_id string, viewer_id string, watch_ms long")


def test_split_viewers_keeps_a_viewers_events_of_a_video_together_and_halves_evenly(events):
    halves: dict[tuple[str, str], set[str]] = {}
    for row in split_viewers(events, seed=1).collect():
        video, half = row.video_id.split("#")
        halves.setdefault((video, row.viewer_id), set()).add(half)
    assert len(halves) == 30 * 60
    assert all(len(half) == 1 for half in halves.values())
    # 1,800 fair coins have a standard deviation of 21; 5 of them are 106.
    assert abs(sum(half == {"0"} for half in halves.values()) - 900) < 106
    # For another video, about half of the viewers are in another half.
    assert 10 < sum(halves[f"v{v}", "u7"] == {"0"} for v in range(30)) < 20


def test_split_viewers_is_a_hash_that_anybody_can_recompute(events):
    for seed in (1, 2):
        for row in split_viewers(events.filter("viewer_id = 'u3'"), seed).collect():
            video, half = row.video_id.split("#")
            digest = hashlib.md5(f"{seed}\n{video}\nu3".encode()).hexdigest()
            assert half == ("0" if int(digest, 16) < 2**127 else "1")


def test_split_videos_gives_each_half_its_own_video_and_category(spark):
    schema = "video_id string, length_ms long, categories array<string>, is_compliant boolean"
    videos = spark.createDataFrame([("v", 5, ["food", "art"], True)], schema)
    rows = split_videos(videos).orderBy("video_id").collect()
    assert [tuple(row) for row in rows] == [("v#0", 5, ["food#0"], True), ("v#1", 5, ["food#1"], True)]


def test_long_view_share_counts_whole_videos_and_long_watches(spark):
    events = spark.createDataFrame(
        [("short", 3_000), ("short", 2_999), ("long", 18_000), ("long", 17_999), ("long", 90_000), ("long", 0)],
        "video_id string, watch_ms long",
    )
    videos = spark.createDataFrame([("short", 3_000), ("long", 60_000)], "video_id string, length_ms long")
    found = {row.video_id: row.long_views for row in long_view_share(events, videos, 18_000).collect()}
    assert found == {"short": 0.5, "long": 0.5}
