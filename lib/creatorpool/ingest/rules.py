"""Row rules that a contract cannot state, because they depend on the run's day, its configuration or other tables.

Some of them read a column that a transform of this package adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from operator import and_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.row_rules import FAILED_RULES
from creatorpool.ingest.delivery import delivered_key
from creatorpool.ingest.duplicates import IN_CONFLICT
from creatorpool.platform_day import day_expression
from creatorpool.settlement.frames.conversion import CONVERSION_COLUMNS

UNREADABLE = "row_readable"


def day_rule(timezone: str) -> RowRule:
    """`date_is_day_of_event`: the delivered `date` is the day of `event_ts` by the clocks of `timezone`."""
    return RowRule(
        name="date_is_day_of_event",
        expression=f"`date` = {day_expression('event_ts', timezone)}",
        severity="error",
        hint=f"The date must be the day of event_ts in ingest.day_timezone, {timezone}.",
    )


def window_rule(day: date, late_window_days: int) -> RowRule:
    """`event_ts_in_window`: the event happened on `day` or at most `late_window_days` days before."""
    first = day - timedelta(days=late_window_days)
    return RowRule(
        name="event_ts_in_window",
        expression=f"event_ts IS NULL OR `date` BETWEEN DATE'{first.isoformat()}' AND DATE'{day.isoformat()}'",
        severity="error",
        hint=f"The event is of {day} or up to {late_window_days} days before; a later event has not happened yet.",
    )


def conflict_rule(contract: Contract) -> RowRule:
    """`event_id_conflict` or `key_conflict`: no other row with the same key has other content."""
    name = "event_id_conflict" if contract.name == "events" else "key_conflict"
    hint = f"Rows share {', '.join(delivered_key(contract))} and differ, so nobody can know which of them is right."
    return RowRule(name, f"NOT {IN_CONFLICT}", "error", hint)


def tier_rule(tiers: Iterable[str]) -> RowRule:
    """`trust_tier_known`: the viewer's tier is one of `tiers`."""
    # In hexadecimal: names are free text, and the engines' SQL parsers read quotes and backslashes in different ways.
    names = ", ".join(f"'{tier.encode().hex().upper()}'" for tier in sorted(tiers))
    hint = "signals.tiers has no weight for the tier: add it there, or correct the feed or its mapping."
    return RowRule("trust_tier_known", f"trust_tier IS NULL OR hex(trust_tier) IN ({names})", "error", hint)


def left_empty_rule() -> RowRule:
    """`conversion_left_empty`: the columns of revenue that ingestion fills are not delivered."""
    return RowRule(
        name="conversion_left_empty",
        expression=" AND ".join(f"{name} IS NULL" for name in CONVERSION_COLUMNS),
        severity="error",
        hint=f"Ingestion fills {', '.join(CONVERSION_COLUMNS)}: deliver revenue_micros in the row's own currency.",
    )


def table_rules(table: str, tiers: Iterable[str] = ()) -> list[RowRule]:
    """The rules of a run for the rows of `table`, one of those with a row per key; `tiers` are those with a weight."""
    return {"viewers": [tier_rule(tiers)], "ad_revenue": [left_empty_rule()]}.get(table, [])


def known_rule(key: str) -> RowRule:
    """`viewer_known` or `video_known`, which reads the column that `with_known` adds."""
    name = key.removesuffix("_id")
    return RowRule(f"{name}_known", f"{key} IS NULL OR {name}_is_known", "error", f"No row of {name}s has this {key}.")


def with_known(rows: DataFrame, dimension: DataFrame, key: str) -> DataFrame:
    """Add `viewer_is_known` or `video_is_known`: true if `dimension`, with one row per `key`, has the row's key."""
    known = dimension.select(key, F.lit(True).alias(f"{key.removesuffix('_id')}_is_known"))
    return rows.join(known, key, "left")


def only_unreadable(flagged: DataFrame, contract: Contract) -> DataFrame:
    """Replace the broken rules of lines that could not be read at all by the one rule `row_readable`."""
    is_empty = reduce(and_, (F.col(name).isNull() for name in contract.column_names))
    unreadable = is_empty & ~F.array_join(FAILED_RULES, ",").contains("_readable")
    return flagged.withColumn(
        FAILED_RULES, F.when(unreadable, F.array(F.lit(UNREADABLE))).otherwise(F.col(FAILED_RULES))
    )
