"""Numbers that represent ids: no number represents two ids."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from tests.quality.frames.test_pairs import EVENT_SCHEMA, _event

from creatorpool.quality.frames import keys
from creatorpool.quality.frames.keys import pair_keys
from creatorpool.quality.frames.pairs import viewer_video_pairs

VIEWERS = [(f"viewer-{number}", "verified" if number % 2 else "unverified") for number in range(8)]
VIDEOS = [(f"video-{number}", 1_000 * (number + 1)) for number in range(5)]


@pytest.fixture
def dimensions(spark) -> tuple[DataFrame, DataFrame]:
    return (
        spark.createDataFrame(VIEWERS, "viewer_id string, trust_tier string"),
        spark.createDataFrame(VIDEOS, "video_id string, length_ms long"),
    )


def stands_for(frame, column):
    return {row[0] for row in frame.select(column).collect()}


def test_keys_are_one_number_for_each_id(dimensions):
    viewers, videos = dimensions
    found = pair_keys(viewers, videos)

    assert len(stands_for(viewers, found.viewer)) == len(VIEWERS)
    assert len(stands_for(videos, found.video)) == len(VIDEOS)
    assert all(isinstance(key, int) for key in stands_for(viewers, found.viewer) | stands_for(videos, found.video))


@pytest.mark.parametrize("weak", ["viewer_id", "video_id"])
def test_ids_are_kept_if_two_would_share_a_number(dimensions, monkeypatch, weak):
    viewers, videos = dimensions
    strong = keys.hashed
    monkeypatch.setattr(keys, "hashed", lambda column: F.length(column) if column == weak else strong(column))
    found = pair_keys(viewers, videos)

    assert stands_for(viewers, found.viewer) == {viewer for viewer, _ in VIEWERS}
    assert stands_for(videos, found.video) == {video for video, _ in VIDEOS}


def test_pairs_do_not_depend_on_the_representation_of_ids(
    spark, dimensions: tuple[DataFrame, DataFrame], configuration, monkeypatch
):
    events = spark.createDataFrame(
        [
            _event(str(n), f"viewer-{n * 7 % 8}", n, n % 3, ["like", "share"][: n % 3], n, video=f"video-{n * n % 5}")
            for n in range(90)
        ],
        EVENT_SCHEMA,
    )
    for rules in ({}, {"max_daily_views_per_viewer": 2}):
        settings = configuration.signals.model_copy(update=rules)
        by_number = viewer_video_pairs(events, *dimensions, settings).drop("video_key")
        with monkeypatch.context() as patch:
            patch.setattr(keys, "hashed", F.length)
            by_id = viewer_video_pairs(events, *dimensions, settings).drop("video_key")
        assert_df_equality(by_number, by_id, ignore_row_order=True)
