"""Validates a day's events against their contract, the known viewers and videos, and the events already stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.duplicates import duplicate_key_hashes, stored_hashes, with_key
from creatorpool.ingest.judging import judged
from creatorpool.ingest.outcomes import count_outcomes
from creatorpool.ingest.rules import conflict_rule, day_rule, known_rule, window_rule, with_known
from creatorpool.ingest.steps import log_step
from creatorpool.ingest.validation import ValidatedTable, conformed, deduplicate, table_counts
from creatorpool.platform_day import day_expression
from creatorpool.storage.materialize import broadcast_if_small, materialized_if_small
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

KEY = ("event_id",)

_IMPLIED_BY_TIME = "date_not_null"


@dataclass(frozen=True)
class EventDays:
    """The run's day, the number of days before it whose events are accepted, and the zone whose clocks divide days."""

    day: date
    late_window_days: int
    timezone: str


@dataclass(frozen=True)
class Dimension:
    """Viewers or videos: one row per key, and an upper bound of the number of rows."""

    rows: DataFrame
    number: int


@dataclass(frozen=True)
class StoredDays:
    """Days, and the rows of these days that the table has already."""

    days: tuple[date, ...]
    rows: DataFrame


def near_days(warehouse: Warehouse, day: date, reach: int) -> tuple[date, ...]:
    """The days at most `reach` days before or after `day` that have stored events: an id of its events may be there."""
    if not warehouse.exists("events"):
        return ()
    stored = warehouse.stored_days("events", warehouse.version("events"))
    return tuple(sorted(one for one in stored if abs((one - day).days) <= reach))


@dataclass(frozen=True)
class DeduplicatedEvents:
    """Events without repetitions, ready for validation.

    `rows_read` is their number before repetitions were dropped; None if there were none.
    """

    rows: DataFrame
    contract: Contract
    rules: tuple[RowRule, ...]
    delivery: Delivery
    rows_read: int | None

    def joined(self, viewers: Dimension, videos: Dimension) -> DataFrame:
        """The events with columns that tell whether their viewer and their video are known."""
        joined = with_known(
            self.rows, broadcast_if_small(viewers.rows.select("viewer_id"), viewers.number), "viewer_id"
        )
        return with_known(joined, broadcast_if_small(videos.rows.select("video_id"), videos.number), "video_id")

    def validate(self, day: date, viewers: Dimension, videos: Dimension, folder: Place) -> ValidatedTable:
        """Validate the events; those of days before `day` count as late. `folder` is as in `validated_table`."""
        log_step(self.contract.name, "checks every rule")
        found = judged(
            self.joined(viewers, videos),
            self.contract,
            self.rules,
            key=KEY,
            delivery=self.delivery,
            folder=folder,
            counted=self.rows,
        )
        outcomes = count_outcomes(found, self.contract)
        duplicates = 0 if self.rows_read is None else self.rows_read - outcomes.rows
        counts = table_counts(outcomes, duplicates, self.delivery.left_out, dateless=self.delivery.dateless, day=day)
        return ValidatedTable(self.contract, found, counts, self.rules, self.delivery.origins)


def deduplicate_events(
    delivery: Delivery,
    contract: Contract,
    session: SparkSession,
    days: EventDays,
    stored: StoredDays | None,
) -> DeduplicatedEvents:
    """Drop events that repeat another event of the delivery, or a stored one."""
    rows, contract, day_rules = dated_rows(delivery, contract, days.timezone)
    rules = [window_rule(days.day, days.late_window_days), known_rule("viewer_id"), known_rule("video_id"), *day_rules]
    log_step(contract.name, "looks for repeated events")
    duplicate_keys = _duplicate_keys(rows, contract, session, stored)
    rows_read = None
    if duplicate_keys is not None:
        rows_read = rows.count()
        rows = deduplicate(rows, duplicate_keys, contract, KEY, session, None if stored is None else stored.rows)
        rules.append(conflict_rule(contract))
    return DeduplicatedEvents(rows, contract, tuple(rules), delivery, rows_read)


def dated_rows(delivery: Delivery, contract: Contract, timezone: str) -> tuple[DataFrame, Contract, list[RowRule]]:
    """Events with their day by the clocks of `timezone`, and the contract and the rules that judge the day."""
    rows = conformed(delivery, contract)
    if "date" not in delivery.absent:
        return rows, contract, [day_rule(timezone)]
    # The day is computed from the time, so the rule cannot be broken without a broken rule on the time.
    kept_rules = tuple(rule for rule in contract.row_rules if rule.name != _IMPLIED_BY_TIME)
    dated = rows.withColumn("date", F.expr(day_expression("event_ts", timezone)))
    return dated, replace(contract, row_rules=kept_rules), []


def _duplicate_keys(
    rows: DataFrame, contract: Contract, session: SparkSession, stored: StoredDays | None
) -> DataFrame | None:
    """Hashes of the ids that occur twice or are stored already; None if there are none."""
    found = [materialized_if_small(duplicate_key_hashes(rows, contract, KEY), session)]
    if stored is not None:
        # Compare with all stored days, not only the event's own day: an id must name one event.
        found.append(materialized_if_small(stored_hashes(stored.rows, with_key(rows, contract, KEY), KEY), session))
    frames = [hashes.rows for hashes in found if hashes.number != 0]
    return reduce(lambda one, other: one.unionByName(other).distinct(), frames) if frames else None
