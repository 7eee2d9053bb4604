"""Rules that a contract cannot state: they depend on the run's day, its configuration or on other tables.

Each comes as a column that a transform adds, and a row rule that reads it.
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
from creatorpool.ingest.duplicates import IN_CONFLICT

UNREADABLE = "row_readable"


def window_rule(day: date, late_window_days: int) -> RowRule:
    """`event_ts_in_window`: the event is of `day` or at most so many days older."""
    first = day - timedelta(days=late_window_days)
    return RowRule(
        name="event_ts_in_window",
        expression=f"event_ts IS NULL OR `date` BETWEEN DATE'{first.isoformat()}' AND DATE'{day.isoformat()}'",
        severity="error",
        hint=f"The event is of {day} or up to {late_window_days} days before; a later one has not happened yet.",
    )


def conflict_rule(contract: Contract) -> RowRule:
    """`<key>_conflict`: no other row of the key says something else."""
    name = "event_id_conflict" if contract.name == "events" else "key_conflict"
    hint = f"Rows share {', '.join(contract.key)} and differ: which of them is true cannot be told."
    return RowRule(name, f"NOT {IN_CONFLICT}", "error", hint)


def tier_rule(tiers: Iterable[str]) -> RowRule:
    """`trust_tier_known`: the viewer's tier is one of `tiers`."""
    # Hexadecimal, because names are free text and the engines' SQL parsers read quotes and backslashes differently.
    names = ", ".join(f"'{tier.encode().hex().upper()}'" for tier in sorted(tiers))
    hint = "signals.tiers has no weight for the tier: add it there, or mend the feed."
    return RowRule("trust_tier_known", f"trust_tier IS NULL OR hex(trust_tier) IN ({names})", "error", hint)


def known_rule(key: str) -> RowRule:
    """`viewer_known` or `video_known`, which reads the column that `with_known` adds."""
    name = key.removesuffix("_id")
    return RowRule(f"{name}_known", f"{key} IS NULL OR {name}_is_known", "error", f"No row of {name}s has this {key}.")


def with_known(rows: DataFrame, dimension: DataFrame, key: str) -> DataFrame:
    """Add `<viewer|video>_is_known`: `dimension`, which has one row a `key`, has the row's."""
    known = dimension.select(key, F.lit(True).alias(f"{key.removesuffix('_id')}_is_known"))
    return rows.join(known, key, "left")


def only_unreadable(flagged: DataFrame, contract: Contract) -> DataFrame:
    """Lines of which nothing could be read break `row_readable`, and not each rule that wants a value."""
    names = [column.name for column in contract.columns if column.name in flagged.columns]
    is_empty = reduce(and_, (F.col(name).isNull() for name in names))
    unreadable = is_empty & ~F.array_join(FAILED_RULES, ",").contains("_readable")
    return flagged.withColumn(
        FAILED_RULES, F.when(unreadable, F.array(F.lit(UNREADABLE))).otherwise(F.col(FAILED_RULES))
    )
