"""From the events of one day to viewer–video pairs (formulas §1.1)."""

from __future__ import annotations

from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.actions import ACTION_FLAGS
from creatorpool.quality.frames.keys import PairKeys, pair_keys
from creatorpool.settings import QualifiedView, SignalSettings

EVENT_COLUMNS = ("event_id", "event_ts", "watch_ms", "loop_count")
PAIR = ("video_key", "viewer_key")
PAIR_TOTALS = ("video_key", "video_id", "viewer_id", "trust_tier", "length_ms", "watch_ms", "loop_count")


def viewer_video_pairs(
    events: DataFrame, viewers: DataFrame, videos: DataFrame, settings: SignalSettings, keys: PairKeys | None = None
) -> DataFrame:
    """One row per (`video_id`, `viewer_id`), from one day's `events`, `viewers` and `videos`, by their contracts.

    A row has the totals of the pair's events, flags of actions taken at least once, and `views`, the number of its
    qualified events. `trust_tier` and `viewer_id` are null if the viewer has no row in `viewers`; `length_ms` and
    `video_id` are null if the video has no row in `videos`, but `video_key` is set. `keys` default to `pair_keys`.
    """
    keys = keys or pair_keys(viewers, videos)
    lengths = videos.select(keys.video.alias("video_key"), "video_id", "length_ms")
    tiers = viewers.select(keys.viewer.alias("viewer_key"), "viewer_id", "trust_tier")
    counted = (
        events.select(
            keys.video.alias("video_key"),
            keys.viewer.alias("viewer_key"),
            *EVENT_COLUMNS,
            _action_bits().alias("actions"),
        )
        # The only exchange, of narrow rows: pairs, joins and sums per video then stay in the partition of the video.
        .repartition("video_key")
        .transform(_within_daily_limit, settings.max_daily_views_per_viewer)
        .transform(with_qualified, lengths, settings.qualified_view, "video_key")
    )
    totals = counted.groupBy(*PAIR).agg(
        F.sum("watch_ms").alias("watch_ms"),
        F.sum(F.coalesce("loop_count", F.lit(0))).alias("loop_count"),
        F.bit_or("actions").alias("actions"),
        F.sum(F.col("qualified").cast("long")).alias("views"),
    )
    return (
        totals.join(tiers, on="viewer_key", how="left")  # viewer_id is the key of viewers
        .join(lengths, on="video_key", how="left")  # video_id is the key of videos
        .select(*PAIR_TOTALS, *_action_flags(), "views")
    )


def _action_bits() -> Column:
    """An event's flags as the bits of one number, so that one column is exchanged and aggregated."""
    return reduce(add, (F.col(flag).cast("int") * F.lit(1 << bit) for bit, flag in enumerate(ACTION_FLAGS)))


def _action_flags() -> list[Column]:
    return [(F.col("actions").bitwiseAND(F.lit(1 << bit)) != 0).alias(flag) for bit, flag in enumerate(ACTION_FLAGS)]


def _within_daily_limit(events: DataFrame, limit: int | None) -> DataFrame:
    """The first `limit` events of each viewer on each video; all events if `limit` is None."""
    if limit is None:
        return events
    in_order = Window.partitionBy(*PAIR).orderBy("event_ts", "event_id")
    return events.withColumn("place", F.row_number().over(in_order)).filter(F.col("place") <= limit).drop("place")


def with_qualified(events: DataFrame, lengths: DataFrame, rule: QualifiedView, key: str = "video_id") -> DataFrame:
    """Add `qualified`: the event counts as one view. Column `key` holds the video in `events` and in `lengths`."""
    long_enough = F.col("watch_ms") >= rule.min_watch_ms
    if rule.min_share == 0:  # avoids a join of all events
        return events.withColumn("qualified", long_enough)
    large_enough = F.col("watch_ms") >= F.lit(rule.min_share) * F.col("length_ms")
    return (
        events.join(lengths.select(key, "length_ms"), on=key, how="left")
        .withColumn("qualified", long_enough & large_enough)
        .drop("length_ms")
    )
