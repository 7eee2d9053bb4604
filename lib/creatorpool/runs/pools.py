"""The ledger of payouts, table `allocation_runs`: one row per pool; one commit publishes all rows of a day.

All published rows of a day name the same output versions: those in which the day's tables are published. The input
versions name the scores that the payouts were computed from; the commit publishes these scores, too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.errors import MissingTableError
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import PUBLISHED, SUPERSEDED, as_json
from creatorpool.tables import Warehouse

POOL_LEDGER = "allocation_runs"

_JSON_COLUMNS = {"inputs": "input_versions", "outputs": "output_versions"}
_COLUMNS = {"day": "date", **_JSON_COLUMNS}
"""Column names of those fields of `PoolRun` whose column has another name"""


@dataclass(frozen=True, kw_only=True)
class PoolRun:
    """One pool as a run paid it: a row of `allocation_runs`, whose contract describes each column."""

    day: date
    category: str
    run_id: str
    status: str = PUBLISHED
    pool_micros: int
    paid_micros: int
    unallocated_micros: int
    videos_eligible: int
    videos_paid: int
    coverage: float | None
    nu: float | None
    iterations: int | None
    max_kkt_residual: float | None
    gini: float | None
    top1pct_share: float | None
    efficiency_moved_micros: int | None
    alpha: float
    lambda_fair: float
    lambda_eff: float
    objective: str
    config_sha256: str
    code_version: str
    inputs: Mapping[str, int]
    """Version of each table read"""
    outputs: Mapping[str, int]
    """Version of each table written"""
    warning: str | None
    currency: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    config_json: str | None
    """None in rows of versions before 0.2"""
    carried_micros: int | None
    carried_from: str | None
    """See `allocation.carry.taken`"""

    @property
    def policy(self) -> SplitPolicy:
        """The policy of the pool's split."""
        return SplitPolicy.of(self)

    @classmethod
    def from_record(cls, row: Mapping[str, Any]) -> PoolRun:
        """The record of a stored row."""
        values = {field.name: row[_COLUMNS.get(field.name, field.name)] for field in fields(cls)}
        return cls(**values | {name: json.loads(values[name] or "{}") for name in _JSON_COLUMNS})

    def as_record(self) -> dict[str, Any]:
        """The row to store."""
        values = {_COLUMNS.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return values | {column: as_json(getattr(self, name)) for name, column in _JSON_COLUMNS.items()}


def published_pools(warehouse: Warehouse, day: date) -> dict[str, PoolRun]:
    """The published pools of `day`, by category."""
    return {pool.category: pool for pool in _pools(warehouse, [day]) if pool.status == PUBLISHED}


def require_published_pools(warehouse: Warehouse, day: date) -> dict[str, PoolRun]:
    """The published pools of `day`, by category; MissingTableError if there are none."""
    pools = published_pools(warehouse, day)
    if not pools:
        raise MissingTableError(
            f"payouts of {day} are not published under {warehouse.root}: run `creatorpool run --date {day}`; "
            f"`creatorpool status` lists the published days"
        )
    return pools


def every_published_pool(warehouse: Warehouse, days: Collection[date] | None = None) -> list[PoolRun]:
    """The published pools of `days` (default: of all days), by day and category."""
    published = (pool for pool in _pools(warehouse, days) if pool.status == PUBLISHED)
    return sorted(published, key=lambda pool: (pool.day, pool.category))


def paid_days(warehouse: Warehouse) -> set[date]:
    """All days with a published pool."""
    if not warehouse.exists(POOL_LEDGER):
        return set()
    rows = warehouse.read_arrow(POOL_LEDGER, ["date", "status"])
    return set(rows.filter(pc.equal(rows.column("status"), PUBLISHED)).column("date").unique().to_pylist())


def pools_of_run(warehouse: Warehouse, day: date, run_id: str) -> dict[str, PoolRun]:
    """The pools of `day` that a run published, by category; another run may have superseded them since.

    Raises
    ------
    MissingTableError
        If the run has published no pool of the day.
    """
    own = (pool for pool in _pools(warehouse, [day]) if pool.run_id == run_id)
    pools = {pool.category: pool for pool in own if pool.status in (PUBLISHED, SUPERSEDED)}
    if not pools:
        raise MissingTableError(
            f"run {run_id} has published no pool of {day} under {warehouse.root}; `creatorpool status` lists the runs"
        )
    return pools


def day_outputs(pools: Mapping[str, PoolRun]) -> Mapping[str, int]:
    """Versions in which the tables of a day are published; all published pools of the day name the same versions."""
    return next(iter(pools.values())).outputs


def latest_pool(pools: Mapping[str, PoolRun]) -> PoolRun:
    """The row with the latest input versions; rows of releases before 0.2 may name different inputs."""
    return max(pools.values(), key=lambda row: (sorted(row.inputs.items()), row.category))


def pool_records(warehouse: Warehouse, day: date, pools: Sequence[PoolRun]) -> tuple[list[dict[str, Any]], int]:
    """The day's rows of `allocation_runs` with `pools` published, and the version of the table that they replace.

    Earlier rows of the same categories become superseded.
    """
    warehouse.ensure(POOL_LEDGER)
    seen = warehouse.version(POOL_LEDGER)
    renewed = {pool.category for pool in pools}
    published = [replace(pool, status=PUBLISHED, code_version=code_version()) for pool in pools]
    kept = []
    for pool in _pools(warehouse, [day], seen):
        if pool.status != PUBLISHED:
            kept.append(pool)
        elif pool.category in renewed:
            kept.append(replace(pool, status=SUPERSEDED))
        else:
            kept.append(replace(pool, outputs=published[0].outputs))
    return [pool.as_record() for pool in (*kept, *published)], seen


def publish_pools(warehouse: Warehouse, day: date, records: Sequence[Mapping[str, Any]], seen: int) -> None:
    """Publish the rows of `pool_records` in one commit, if the day's rows have not changed since version `seen`.

    Days that leave or take carried refunds exclude each other, so that a carry is taken only once.

    Raises
    ------
    ConcurrentWriteError
        If another run published pools of the day, or a day with carried refunds, since `seen`.
    OutlivedLeaseError
        If another run has taken over the claim of this run.
    """
    is_carrying = any(row["carried_micros"] or row["carried_from"] for row in records)
    locks = [f"{POOL_LEDGER}/carries"] if is_carrying else []
    warehouse.replace_day_records(records, POOL_LEDGER, day, seen=seen, locks=locks)


def _pools(warehouse: Warehouse, days: Collection[date] | None, version: int | None = None) -> Iterable[PoolRun]:
    if not warehouse.exists(POOL_LEDGER):
        return []
    return map(PoolRun.from_record, warehouse.read_arrow(POOL_LEDGER, days=days, version=version).to_pylist())
