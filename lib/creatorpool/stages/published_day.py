"""A published day as arrays, read at the versions that the ledger names; studies of the day start from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creatorpool.allocation.frames.pools import creators_of, with_creator_caps
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.video_caps import cap_of_pool
from creatorpool.comparison.pool import Pool
from creatorpool.errors import InputError
from creatorpool.frames import parts_by
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import StageRun
from creatorpool.runs.pools import PoolRun, require_published_pools
from creatorpool.runs.published import published_version
from creatorpool.stages.configuration import use_ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage

POOL_COLUMNS = ("category", "video_id", "creator_id", "effective_impressions", "floor_micros", "cap_micros")


@dataclass(frozen=True)
class PublishedPool:
    """A pool as it was paid: its ledger row, its n videos, and their (n,) payouts in micros."""

    row: PoolRun
    pool: Pool
    payout: NDArray[np.int64]

    @property
    def policy(self) -> SplitPolicy:
        """The policy of the pool's split."""
        return self.row.policy


@dataclass(frozen=True)
class PublishedDay:
    """The day's pools by category, and the versions of all tables that they were computed from and stored in."""

    pools: Mapping[str, PublishedPool]
    versions: Mapping[str, int]


def published_day(context: RunContext, categories: Collection[str] = ()) -> PublishedDay:
    """The published pools of the run's day, or those of `categories`.

    Raises
    ------
    MissingTableError
        If no pool of the day is published.
    InputError
        If a category has no published pool.
    ConfigurationError
        If the day has caps of creators and the run was given another configuration.
    """
    ledger = require_published_pools(context.warehouse, context.day)
    if unknown := sorted(set(categories) - set(ledger)):
        raise InputError(
            f"--category: {context.day} has no published pool {shortened_list(unknown)}; its pools are "
            f"{shortened_list(sorted(ledger))}"
        )
    versions = _versions(ledger.values())
    rows = _payout_rows(context, versions, ledger).sort_by("video_id")
    by_category = dict(parts_by(rows, "category"))
    chosen = sorted(name for name in ledger if not categories or name in categories)
    return PublishedDay(
        {name: _pool(ledger[name], by_category.get(name, rows.slice(0, 0))) for name in chosen}, versions
    )


def _payout_rows(context: RunContext, versions: Mapping[str, int], ledger: Mapping[str, PoolRun]) -> pa.Table:
    """The day's `pool_payouts`, with column `creator_cap_micros` if the day has caps of creators."""
    warehouse, version = context.warehouse, versions["pool_payouts"]
    columns = (*POOL_COLUMNS, "payout_micros")
    if "creators" not in versions:
        return warehouse.read_arrow("pool_payouts", columns, day=context.day, version=version)
    # Only the configuration has the cap of each verification level.
    use_ledger_settings(context, ledger.values())
    payouts = warehouse.read("pool_payouts", day=context.day, version=version).select(*columns)
    creators = warehouse.read("creators", version=versions["creators"])
    return with_creator_caps(payouts, creators, context.settings.allocation.creator_caps or {}).toArrow()


def _versions(rows: Collection[PoolRun]) -> dict[str, int]:
    """Version of each table that the published rows name; all rows of a day name the same versions."""
    versions: dict[str, int] = {}
    for row in rows:
        versions |= dict(row.inputs) | dict(row.outputs)
    return versions


def _pool(row: PoolRun, own: pa.Table) -> PublishedPool:
    impressions = own.column("effective_impressions").to_numpy()
    cap = cap_of_pool(impressions, pc.fill_null(own.column("cap_micros").cast(pa.float64()), np.inf).to_numpy())
    pool = Pool(
        category=row.category,
        money=row.paid_micros,
        video=np.array(own.column("video_id").to_pylist(), dtype=object),
        creator=np.array(own.column("creator_id").to_pylist(), dtype=object),
        effective_impressions=impressions,
        floor=pc.max(own.column("floor_micros")).as_py() or 0,
        cap=None if np.isinf(cap) else int(cap),
        creators=creators_of(own) if "creator_cap_micros" in own.column_names else None,
    )
    return PublishedPool(row, pool, own.column("payout_micros").to_numpy())


def publish_study(
    context: RunContext, stage: Stage, day: PublishedDay, compute: Callable[[], Sequence[Mapping[str, Any]]]
) -> StageRun:
    """Publish the records of `compute` in the table of `stage`; the day's published rows of other pools are kept.

    A study is always computed again. Errors as in `run_stage`.
    """
    table = stage.tables[0]

    def store() -> Mapping[str, Any]:
        records = compute()
        context.store_records([*_rows_of_other_pools(context, table, day), *records], table)
        return {table: len(records)}

    return run_stage(context, stage, day.versions, store, lambda _: False)


def _rows_of_other_pools(context: RunContext, table: str, day: PublishedDay) -> list[dict[str, Any]]:
    """Published rows of the day's other pools, without rows that a run left unpublished."""
    version = published_version(context.warehouse, table, context.day)
    if version is None:
        return []
    rows = context.warehouse.read_arrow(table, day=context.day, version=version).to_pylist()
    return [row for row in rows if row["category"] not in day.pools]
