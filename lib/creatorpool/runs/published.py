"""The version of a table in which each day is published, from the ledger.

Once payouts of a day are published, their rows also determine the versions of its signals and quality: those that the
payouts were computed from. So a day is one generation, which one commit publishes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from creatorpool.contracts import stage_tables
from creatorpool.runs.ledger import ALLOCATE, INGEST, LOAD, SIGNALS, in_order, published_runs
from creatorpool.runs.pools import PoolRun, every_published_pool
from creatorpool.tables import Warehouse

INVALID = "invalid_viewers"
"""The table whose version a day is rated and restated with, where the table exists"""


def published_version(warehouse: Warehouse, table: str, day: date) -> int | None:
    """The version of `table` in which `day` is published, or None if it is not."""
    return published_versions(warehouse, table, [day]).get(day)


def published_versions(warehouse: Warehouse, table: str, days: Collection[date] | None = None) -> dict[date, int]:
    """The published days of `table` (default: of all days), each with the version in which it is published."""
    pools = every_published_pool(warehouse, days)
    is_payout = table in stage_tables(ALLOCATE)
    paid = _paid_versions(pools, table, is_payout) if is_payout or table in stage_tables(SIGNALS) else {}
    if is_payout:
        return paid
    runs = [run for run in published_runs(warehouse, days=days) if table in run.outputs]
    by_stage = {run.day: run.outputs[table] for run in in_order(runs)}
    return {day: version for day, version in (by_stage | paid).items() if days is None or day in days}


def shared_version(warehouse: Warehouse, table: str) -> int | None:
    """The version of a table that all days share, such as `holds`, that was published last; None if none ever was.

    The table's latest version may have rows of a delivery or a load that is not published yet, or never will be.
    """
    return shared_versions(warehouse, [table]).get(table)


def shared_versions(warehouse: Warehouse, tables: Collection[str]) -> dict[str, int]:
    """The same of each of `tables` that was ever published."""
    found: dict[str, int] = {}
    for stage in (INGEST, LOAD):
        for run in published_runs(warehouse, stage):
            for table, version in run.with_later_days.items():
                if table in tables:
                    found[table] = max(version, found.get(table, version))
    return found


def require_kept(warehouse: Warehouse, day: date, versions: Mapping[str, int]) -> None:
    """Raise MissingTableError unless all files of `versions` are kept, of tables by day those of `day`."""
    for table, version in versions.items():
        is_daily = "date" in warehouse.contract(table).partition_by
        warehouse.count_stored(table, day=day if is_daily else None, version=version)


def _paid_versions(pools: Iterable[PoolRun], table: str, is_payout: bool) -> dict[date, int]:
    """Version by day. Before 0.2 a day's pools could have different scores: then it is their latest version."""
    found: dict[date, int] = {}
    for pool in pools:
        version = (pool.outputs if is_payout else pool.inputs).get(table)
        if version is not None:
            found[pool.day] = max(version, found.get(pool.day, version))
    return found
