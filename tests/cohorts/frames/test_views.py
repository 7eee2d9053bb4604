from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from creatorpool.cohorts.frames.tested import entered_within, finished_entrants, with_exposure
from creatorpool.cohorts.frames.views import delivered_slots, entrant_views
from creatorpool.errors import ConfigurationError
from creatorpool.expressions import require_computable
from creatorpool.settings import Settings

ENTERED = datetime(2026, 11, 1, 10, tzinfo=UTC)
EVENT = "event_id string, video_id string, event_ts timestamp, liked boolean, test_slot int, propensity double"
ENTRANT = (
    "creator_id string, entered_at timestamp, segment string, quality_proxy double, window_n int, threshold_k int, "
    "revenue_share double"
)


def at(hours: float) -> datetime:
    return ENTERED + timedelta(hours=hours)


@pytest.fixture
def entrants(spark: SparkSession) -> DataFrame:
    rows = [
        ("ann", ENTERED, "comedy", 0.4, 2, 1, 0.5),
        ("bob", ENTERED, "comedy", 0.5, 2, 2, 0.5),
        ("eve", ENTERED + timedelta(days=3), "comedy", 0.6, 2, 2, 0.5),
    ]
    return spark.createDataFrame(rows, ENTRANT)


@pytest.fixture
def views(spark: SparkSession, entrants: DataFrame) -> DataFrame:
    videos = [("a1", "ann", 1000), ("a2", "ann", 1000), ("b1", "bob", 1000), ("x1", "old", 1000)]
    events = [
        ("e01", "a1", at(-1), True, 1, None),  # before entry
        ("e02", "a1", at(0), False, 1, None),
        ("e03", "a2", at(1), True, 1, None),  # slot 1 again: the first counts
        ("e04", "a2", at(25), True, 2, None),
        ("e05", "a1", at(26), True, 3, None),  # beyond the window
        ("e06", "a1", at(20), True, None, 0.5),  # outside the test, but before its end
        ("e07", "a1", at(49), False, None, 0.5),
        ("e08", "a2", at(60), True, None, None),
        ("e09", "a1", at(73), True, None, 0.5),  # after a horizon of three days
        ("e10", "b1", at(2), None, 1, None),  # the rule gives null: no success
        ("e11", "x1", at(2), True, None, 0.5),  # not an entrant
    ]
    return entrant_views(
        spark.createDataFrame(events, EVENT),
        spark.createDataFrame(videos, "video_id string, creator_id string, length_ms long"),
        entrants,
    )


def test_delivered_slots_are_the_first_views_of_each_slot_within_the_window(views: DataFrame) -> None:
    found = {
        (r["creator_id"], r["test_slot"]): (r["succeeded"], r["period"])
        for r in delivered_slots(views, "liked").collect()
    }

    assert found == {("ann", 1): (0, 0), ("ann", 2): (1, 1), ("bob", 1): (0, 0)}


def test_tested_entrants_have_every_slot_delivered(views: DataFrame, entrants: DataFrame) -> None:
    rows = finished_entrants(delivered_slots(views, "liked"), entrants, 0.9).collect()

    assert [(r["creator_id"], r["successes"], r["passed"], r["mass"]) for r in rows] == [("ann", 1, True, 1_900_000)]


def test_exposure_counts_views_after_the_test_within_the_horizon(
    views: DataFrame, entrants: DataFrame, configuration: Settings
) -> None:
    settings = configuration.incentives.model_copy(
        update={"horizon_days": 3, "delta": 0.9, "replay_target": "2 * propensity"}
    )
    tested = finished_entrants(delivered_slots(views, "liked"), entrants, 0.9)

    row = with_exposure(tested, views, settings, (date(2026, 10, 31), date(2026, 11, 4)), "UTC").collect()[0]

    # e07 and e08, both in period 2; e08 has no propensity and so no weight.
    assert (row["shown"], row["unlogged"], row["exposure"]) == (2, 1, 1_620_000)
    assert (row["weighted"], row["weight"]) == (1_620_000, 2_000_000)
    assert row["is_followed"]
    assert row["is_late"]
    early = with_exposure(tested, views, settings, (date(2026, 11, 1), date(2026, 11, 4)), "UTC").collect()[0]
    assert not early["is_late"]
    short = with_exposure(tested, views, settings, (date(2026, 11, 1), date(2026, 11, 3)), "UTC").collect()[0]
    assert not short["is_followed"]


def test_entrants_of_other_days_are_left_out(entrants: DataFrame) -> None:
    entered = entered_within(entrants, date(2026, 11, 2), date(2026, 11, 4), "UTC")

    assert [r["creator_id"] for r in entered.collect()] == ["eve"]


def test_entrants_belong_to_the_day_of_the_platforms_clocks(entrants: DataFrame) -> None:
    # At 10:00 UTC the next day begins in Kiritimati.
    for day, zone in ((date(2026, 11, 1), "UTC"), (date(2026, 11, 2), "Pacific/Kiritimati")):
        entered = entered_within(entrants, day, day, zone)
        assert sorted(r["creator_id"] for r in entered.collect()) == ["ann", "bob"], zone


@pytest.mark.parametrize(("rule", "kind"), [("no_such_column > 1", "boolean"), ("liked AND (", "boolean")])
def test_rule_that_cannot_be_computed_is_refused_with_its_key(views: DataFrame, rule: str, kind: str) -> None:
    with pytest.raises(ConfigurationError, match=r"incentives\.success: cannot compute a boolean"):
        require_computable(views, "incentives.success", rule, kind)
