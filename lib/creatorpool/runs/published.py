"""In which version of a table each of its days is published.

The ledger's rows say it. Once payouts of a day are published, they also say in which version its signals and quality
stand: those that the payouts were made from, so that a day is one generation, published by one commit.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from creatorpool.runs.ledger import (
    SCORE_TABLES,
    every_published_pool,
    in_order,
    published_pools,
    published_runs,
)
from creatorpool.tables import Warehouse

PAYOUT_TABLES = ("pool_revenue", "pool_payouts", "video_payouts", "creator_payouts")
"""Tables of the stage `allocate`, which publishes them by its rows in `allocation_runs`."""

STAGE_TABLES = (
    *SCORE_TABLES,
    *("payout_changes", "allocation_frontier", "rule_comparison", "integrity_audit"),
    *("cohort_incentives", "continuation_values", "policy_advice", "item_similarity", "candidates"),
    *("p2c_parameters", "delivery_plan", "creator_statements"),
)
"""Tables of which a stage publishes one day at a time, by its row in `stage_runs`."""


def published_version(warehouse: Warehouse, table: str, day: date) -> int | None:
    """The version of `table` in which `day` is published, or None."""
    return published_versions(warehouse, table, [day]).get(day)


def published_versions(warehouse: Warehouse, table: str, days: Collection[date] | None = None) -> dict[date, int]:
    """The published days of `table`, or those of `days` that are, each with the version in which it stands."""
    pools: Iterable[Mapping[str, Any]]
    if days is not None and len(days) == 1:
        pools = published_pools(warehouse, next(iter(days))).values()
    else:
        pools = every_published_pool(warehouse)
    paid = _paid_versions(pools, table) if table in (*PAYOUT_TABLES, *SCORE_TABLES) else {}
    if table in PAYOUT_TABLES:
        return paid
    runs = [run for run in published_runs(warehouse, days=days) if table in run.outputs]
    rated = {run.day: run.outputs[table] for run in in_order(runs)}
    return {day: version for day, version in (rated | paid).items() if days is None or day in days}


def _paid_versions(pools: Iterable[Mapping[str, Any]], table: str) -> dict[date, int]:
    """Of a day whose pools name several versions, the latest: versions before 0.2 paid pools from different scores."""
    column = "output_versions" if table in PAYOUT_TABLES else "input_versions"
    found: dict[date, int] = {}
    for pool in pools:
        version = json.loads(pool[column]).get(table)
        if version is not None:
            found[pool["date"]] = max(version, found.get(pool["date"], version))
    return found
