"""Signals of a video by hand, custom signals, and refused input."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from tests.actions import FLAG_SCHEMA, flags

from creatorpool.actions import ACTION_RATES, ACTIONS
from creatorpool.contracts import load_contract
from creatorpool.contracts.schema import require_schema
from creatorpool.errors import ConfigurationError, TableGuardError
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.settings import CustomSignal

DAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
EVENT_SCHEMA = (
    "event_id string, viewer_id string, video_id string, event_ts timestamp, watch_ms long, loop_count int, "
    f"{FLAG_SCHEMA}"
)
# One video of 10 s. Ann (1.0) watches all of it and half again, and likes; Bob (0.8) half of it, and shares; Cid (0.8)
# nothing of it, though his log says two loops. Σw = 2.6.
EVENTS = [
    ("1", "ann", "v", NOON, 9_000, 0, *flags("like").values()),
    ("2", "ann", "v", NOON, 6_000, None, *flags().values()),
    ("3", "bob", "v", NOON, 5_000, 0, *flags("share").values()),
    ("4", "cid", "v", NOON, 0, 2, *flags().values()),
]

Tables = tuple[DataFrame, DataFrame, DataFrame]


@pytest.fixture
def tables(spark) -> Tables:
    events = spark.createDataFrame(EVENTS, EVENT_SCHEMA)
    tiers = [("ann", "verified"), ("bob", "unverified"), ("cid", "unverified")]
    viewers = spark.createDataFrame(tiers, "viewer_id string, trust_tier string")
    videos = spark.createDataFrame(
        [("v", 10_000, 0.9, 0.4)], "video_id string, length_ms long, s_pos double, s_tox double"
    )
    return events, viewers, videos


def test_video_signals_hand_worked_video(tables: Tables, configuration):
    signals = video_signals(*tables, configuration.signals)
    found = signals.drop("video_id").collect()[0].asDict()
    expected = {
        "views": 3,
        "viewers": 3,
        "trust_weight": 2.6,
        "watch_completion": (1.0 * 1 + 0.8 * 0.5) / 2.6,
        "engagement_rate": (0.1 * 1.0 + 0.4 * 0.8) / 2.6,
        # p = 5/9 and 4/9 over like and share
        "engagement_diversity": -(5 / 9 * math.log(5 / 9) + 4 / 9 * math.log(4 / 9)) / math.log(len(ACTIONS)),
        "rewatch": (1.0 + 0.8) / 2.6,
        "safety": 0.7,
        **dict.fromkeys(ACTION_RATES, 0.0),
        "like_rate": 1.0 / 2.6,
        "share_rate": 0.8 / 2.6,
    }
    assert found == pytest.approx(expected, rel=1e-14, abs=0)
    require_schema(signals.withColumn("date", F.lit(DAY)).schema, load_contract("video_signals"))


def test_video_signals_of_video_without_qualified_view_has_no_row(tables: Tables, configuration):
    events, viewers, videos = tables
    assert video_signals(events.filter("viewer_id = 'cid'"), viewers, videos, configuration.signals).count() == 0


def test_video_signals_safety_below_zero_is_zero(tables: Tables, configuration):
    events, viewers, videos = tables
    toxic = videos.withColumn("s_tox", F.lit(1.0)).withColumn("s_pos", F.lit(0.3))
    assert video_signals(events, viewers, toxic, configuration.signals).collect()[0].safety == 0


@pytest.mark.parametrize(
    ("expression", "bounds", "expected"),
    [
        ("CAST(watch_ms >= 5000 AS DOUBLE)", (0, 1), (1.0 + 0.8) / 2.6),
        ("watch_ms", (5_000, 25_000), (1.0 * 0.5) / 2.6),  # ann 15 s, bob at the lower end, cid below it
        ("loop_count + views", (0, 2), (1.0 * 1 + 0.8 * 0.5 + 0.8 * 1) / 2.6),
        ("CASE WHEN trust_tier = 'verified' THEN NULL ELSE 1 END", (0, 1), 1.6 / 2.6),
        ("CASE WHEN liked THEN double('NaN') ELSE double('Infinity') END", (-1, 1), 1.6 / 2.6),
        ("watch_ms / CAST(length_ms AS DOUBLE)", (0, 3), (0.5 + 0.8 * 0.166667) / 2.6),  # rounded to millionths
    ],
)
def test_video_signals_custom_signal_is_clamped_scaled_and_weighted(
    tables: Tables, configuration, expression, bounds, expected
):
    custom = {"own": CustomSignal(expression=expression, weight=0.1, range=bounds)}
    signals = video_signals(*tables, configuration.signals.model_copy(update={"custom": custom}))
    assert signals.collect()[0].own == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "expression", "message"),
    [
        ("own", "wach_ms", "signals.custom.own: cannot compute a number from 'wach_ms'"),
        ("own", "watch_ms +", r"signals.custom.own: cannot compute a number from 'watch_ms \+'"),
        ("rewatch", "watch_ms", "signals.custom.rewatch: the name is taken"),
        ("like", "watch_ms", "signals.custom.like: the name is taken"),
    ],
)
def test_video_signals_unusable_custom_signal_is_named(tables: Tables, configuration, name, expression, message):
    custom = {name: CustomSignal(expression=expression, weight=0.1, range=(0, 1))}
    with pytest.raises(ConfigurationError, match=message):
        video_signals(*tables, configuration.signals.model_copy(update={"custom": custom}))


@pytest.mark.parametrize(
    ("fault", "which"),
    [
        ("viewers.viewer_id <> 'cid'", "video 'v'"),
        ("viewers.trust_tier = 'verified'", "video 'v'"),
        ("videos.video_id <> 'v'", "a video"),
    ],
)
def test_video_signals_of_unknown_viewer_tier_or_video_are_refused(
    tables: Tables, configuration, warehouse, fault, which
):
    events, viewers, videos = tables
    table, condition = fault.split(".")
    if table == "videos":
        videos = videos.filter(condition)
    elif "tier" in condition:
        viewers = viewers.withColumn("trust_tier", F.when(F.expr(condition), F.col("trust_tier")).otherwise("gold"))
    else:
        viewers = viewers.filter(condition)
    signals = video_signals(events, viewers, videos, configuration.signals)
    with pytest.raises(TableGuardError, match=f"video_signals: {which} has no row in videos, or a viewer"):
        warehouse.replace_day(signals, "video_signals", DAY)
