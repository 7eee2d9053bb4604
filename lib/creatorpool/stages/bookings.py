"""What is booked: a night, or a restatement, as amounts of videos, and the other sides of the pools' money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.runs.ledger import RESTATE, published_runs
from creatorpool.runs.pools import day_outputs, published_pools
from creatorpool.runs.postings import RIGHTS
from creatorpool.runs.published_rows import published_arrow, require_published_day
from creatorpool.settlement.journal import ADJUSTMENT, NIGHT, Entry
from creatorpool.settlement.restatement import PoolMoney
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_money import published_money, require_whole_day
from creatorpool.stages.restatement import POOLS, VIDEOS, pool_change
from creatorpool.tables import Warehouse, sum_exact


@dataclass(frozen=True)
class Booking:
    """One entry about a service day.

    `amounts` has a row per video: `video_id`, `creator_id`, and what is settled for it, `before_micros` and
    `after_micros`.
    """

    entry: Entry
    amounts: DataFrame
    currency: str


@dataclass(frozen=True)
class BookedRestatement:
    """A restatement that has booked changes of a service day."""

    service_date: date
    booked_on: date
    sequence: int

    @property
    def reference(self) -> str:
        """Its name in the ledger of postings."""
        return f"{self.service_date}/{self.sequence}"

    @property
    def entry(self) -> Entry:
        """Its entry in the journal."""
        return Entry(ADJUSTMENT, self.service_date, str(self.sequence))


def booked_restatements(warehouse: Warehouse) -> list[BookedRestatement]:
    """All restatements that have booked changes, in the order of their service days and of each day's sequence."""
    days = {run.day for run in published_runs(warehouse, RESTATE)}
    if not days:
        return []
    rows = published_arrow(warehouse, POOLS, days).select(["service_date", "booked_on", "sequence"])
    found = {BookedRestatement(**row) for row in rows.to_pylist()}
    return sorted(found, key=lambda one: (one.service_date, one.sequence))


def rights_at(warehouse: Warehouse, version: int | None) -> DataFrame | None:
    """The rows of `video_rights` at `version`; None without a version."""
    return None if version is None else warehouse.read(RIGHTS, version=version)


def night_booking(warehouse: Warehouse, day: date) -> Booking:
    """The booking of a night.

    Raises
    ------
    InputError
        If one of its pools is not published yet.
    """
    ledger = published_pools(warehouse, day)
    require_whole_day(warehouse, day, ledger)
    videos = warehouse.read("video_payouts", day=day, version=day_outputs(ledger)["video_payouts"])
    nothing = F.lit(0).cast("bigint")
    amounts = videos.select(
        "video_id", "creator_id", nothing.alias("before_micros"), F.col("total_micros").alias("after_micros")
    )
    return Booking(Entry(NIGHT, day), amounts, next(iter(ledger.values())).currency)


def night_money(context: RunContext, day: date) -> dict[str, PoolMoney]:
    """The money of each pool of a night, by category."""
    return published_money(replace(context, day=day), published_pools(context.warehouse, day))


def adjustment_booking(warehouse: Warehouse, found: BookedRestatement) -> Booking:
    """The booking of a restatement."""
    day = found.service_date
    changes = require_published_day(warehouse, VIDEOS, day)
    version = day_outputs(published_pools(warehouse, day))["video_payouts"]
    earned = warehouse.read("video_payouts", day=day, version=version)
    amounts = _settled_around(earned, changes, found.sequence)
    return Booking(found.entry, amounts, _changed_pools(warehouse, found)[0]["currency"])


def adjustment_money(warehouse: Warehouse, found: BookedRestatement) -> dict[str, PoolMoney]:
    """The change of the money of each pool by a restatement, by category."""
    return {row["category"]: pool_change(row) for row in _changed_pools(warehouse, found)}


def _changed_pools(warehouse: Warehouse, found: BookedRestatement) -> list[dict[str, Any]]:
    rows = published_arrow(warehouse, POOLS, [found.service_date]).to_pylist()
    return [row for row in rows if row["sequence"] == found.sequence]


def _settled_around(earned: DataFrame, changes: DataFrame, sequence: int) -> DataFrame:
    """What is settled for each changed video before and after the restatement number `sequence`."""
    columns = ("video_id", "creator_id", "micros", "sequence")
    nights = earned.select(
        "video_id", "creator_id", F.col("total_micros").alias("micros"), F.lit(0).cast("bigint").alias("sequence")
    )
    every = nights.select(*columns).unionByName(changes.withColumnRenamed("change_micros", "micros").select(*columns))
    changed = changes.where(F.col("sequence") == sequence).select("video_id").distinct()
    known = every.where(F.col("sequence") <= sequence).join(changed, "video_id", "left_semi")
    is_before = F.col("sequence") < sequence
    before = known.withColumn("earlier", F.when(is_before, F.col("micros")).otherwise(F.lit(0)).cast("bigint"))
    return before.groupBy("video_id").agg(
        F.min("creator_id").alias("creator_id"),
        sum_exact("earlier").alias("before_micros"),
        sum_exact("micros").alias("after_micros"),
    )
