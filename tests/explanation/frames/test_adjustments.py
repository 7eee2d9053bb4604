"""Parts of booked changes, less those that are stored, also beside adjustments whose parts were not kept."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from creatorpool.explanation.frames.adjustments import parts_of_changes
from creatorpool.explanation.frames.rows import PART_COLUMNS

KEY = "category string, video_id string"
SCHEMA = ", ".join([KEY, "change_micros bigint", *(f"{name} bigint" for name in PART_COLUMNS)])


def frame(spark: SparkSession, schema: str, *rows: tuple) -> DataFrame:
    return spark.createDataFrame(list(rows), schema)


def parts(video: str, change: int, **own: int) -> tuple:
    return ("music", video, change, *(own.get(name.removesuffix("_micros"), 0) for name in PART_COLUMNS))


def test_parts_are_those_of_the_whole_change_less_what_is_stored_and_booked(spark: SparkSession) -> None:
    changes = frame(spark, f"{KEY}, change_micros bigint", ("music", "a", -3), ("music", "b", 4), ("music", "gone", -5))
    explained = frame(spark, SCHEMA, parts("a", 7, views=9, competition=-2), parts("b", 6, views=6))
    stored = frame(
        spark,
        f"{SCHEMA}, earlier_micros bigint",
        (*parts("a", 10, views=7, competition=3), 0),
        (*parts("gone", 5, membership=5), 0),
    )
    # What was booked for b before has no parts.
    booked = frame(spark, f"{KEY}, change_micros bigint", ("music", "a", 10), ("music", "b", 2), ("music", "gone", 5))

    rows = {row["video_id"]: row for row in parts_of_changes(changes, explained, booked, stored).collect()}

    names = [*PART_COLUMNS, "earlier_micros"]
    found = {video: {name: row[name] for name in names if row[name]} for video, row in rows.items()}
    assert found == {
        "a": {"views_micros": 2, "competition_micros": -5},
        "b": {"views_micros": 6, "earlier_micros": -2},
        "gone": {"membership_micros": -5},
    }
    alone = parts_of_changes(changes.where("video_id = 'b'"), explained, None, None).collect()
    assert [(row["views_micros"], row["earlier_micros"]) for row in alone] == [(6, 0)]
