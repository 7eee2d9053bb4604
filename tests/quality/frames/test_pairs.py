"""Viewer–video pairs: totals, flags, qualified views and the daily limit, by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.actions import FLAG_SCHEMA, flags

from creatorpool.quality.frames.pairs import viewer_video_pairs
from creatorpool.settings import QualifiedView

EVENT_SCHEMA = (
    "event_id string, viewer_id string, video_id string, event_ts timestamp, watch_ms long, loop_count int, "
    f"{FLAG_SCHEMA}"
)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def _event(event_id, viewer, watch_ms, loop_count=None, actions=(), second=0, video="v"):
    time = NOON + dt.timedelta(seconds=second)
    return (event_id, viewer, video, time, watch_ms, loop_count, *flags(*actions).values())


@pytest.fixture
def pairs_of(spark, configuration):
    viewers = spark.createDataFrame([("ann", "verified"), ("bob", "unverified")], "viewer_id string, trust_tier string")
    videos = spark.createDataFrame([("v", 10_000), ("w", 500)], "video_id string, length_ms long")

    def pairs(*events, **rules):
        settings = configuration.signals.model_copy(update=rules)
        rows = viewer_video_pairs(spark.createDataFrame(list(events), EVENT_SCHEMA), viewers, videos, settings)
        return {(row.video_id, row.viewer_id): row for row in rows.collect()}

    return pairs


def test_pairs_sum_time_and_loops_and_keep_any_action(pairs_of):
    pairs = pairs_of(
        _event("1", "ann", 4_000, 1, ["like"]),
        _event("2", "ann", 7_000, None, ["share"]),
        _event("3", "bob", 100, None),
    )
    ann, bob = pairs["v", "ann"], pairs["v", "bob"]
    assert (ann.watch_ms, ann.loop_count, ann.views, ann.length_ms) == (11_000, 1, 2, 10_000)
    assert (ann.liked, ann.commented, ann.shared, ann.followed) == (True, False, True, False)
    assert (ann.trust_tier, bob.trust_tier) == ("verified", "unverified")
    assert (bob.watch_ms, bob.loop_count, bob.views) == (100, 0, 1)


def test_pairs_keep_videos_apart(pairs_of):
    pairs = pairs_of(_event("1", "ann", 400), _event("2", "ann", 300, video="w"))
    assert {key: row.watch_ms for key, row in pairs.items()} == {("v", "ann"): 400, ("w", "ann"): 300}


def test_pairs_event_below_qualified_view_counts_in_signals_but_not_as_a_view(pairs_of):
    pairs = pairs_of(_event("1", "ann", 0, actions=["like"]), _event("2", "bob", 1))
    assert (pairs["v", "ann"].views, pairs["v", "ann"].liked) == (0, True)
    assert pairs["v", "bob"].views == 1


@pytest.mark.parametrize(("watch_ms", "views"), [(2_999, 0), (3_000, 1)])
def test_pairs_qualified_view_needs_both_its_time_and_its_share(pairs_of, watch_ms, views):
    rule = QualifiedView(min_watch_ms=1_000, min_share=0.3)
    pairs = pairs_of(_event("1", "ann", watch_ms), _event("2", "ann", 999, video="w"), qualified_view=rule)
    assert pairs["v", "ann"].views == views
    assert pairs["w", "ann"].views == 0


def test_pairs_daily_limit_takes_the_first_events_by_time_then_id(pairs_of):
    events = [
        _event("c", "ann", 4, second=5),
        _event("a", "ann", 2, second=9, actions=["like"]),
        _event("b", "ann", 1, second=5),
        _event("d", "bob", 8, second=99, actions=["comment"]),
    ]
    pairs = pairs_of(*events, max_daily_views_per_viewer=2)
    assert (pairs["v", "ann"].watch_ms, pairs["v", "ann"].views, pairs["v", "ann"].liked) == (5, 2, False)
    assert (pairs["v", "bob"].watch_ms, pairs["v", "bob"].commented) == (8, True)
    assert pairs_of(*events, max_daily_views_per_viewer=1)["v", "ann"].watch_ms == 1
    assert pairs_of(*events, max_daily_views_per_viewer=3)["v", "ann"].watch_ms == 7


def test_pairs_of_unknown_viewer_or_video_are_kept_with_nulls(pairs_of):
    pairs = pairs_of(_event("1", "eve", 5), _event("2", "ann", 6, video="x"))
    assert (pairs["v", None].trust_tier, pairs["v", None].watch_ms) == (None, 5)
    assert (pairs[None, "ann"].length_ms, pairs[None, "ann"].watch_ms) == (None, 6)
