"""A published day as arrays: what studies of it start from, read at the versions that the ledger names."""

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
from creatorpool.comparison.pool import Pool
from creatorpool.errors import InputError
from creatorpool.frames import parts_by
from creatorpool.runs.ledger import StageRun
from creatorpool.runs.pools import PoolRun, require_published_pools
from creatorpool.runs.published import published_version
from creatorpool.stages.configuration import take_paid_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage

POOL_COLUMNS = ("category", "video_id", "creator_id", "effective_impressions", "floor_micros", "cap_micros")


@dataclass(frozen=True)
class PublishedPool:
    """A pool as it was paid: its ledger row, its videos, and their (n,) payouts in micros."""

    row: PoolRun
    pool: Pool
    payout: NDArray[np.int64]

    @property
    def policy(self) -> SplitPolicy:
        """What the pool was split by."""
        return self.row.policy


@dataclass(frozen=True)
class PublishedDay:
    """The day's pools by category, and the versions of all tables behind them."""

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
        If creators were capped, and not under this run's configuration.
    """
    ledger = require_published_pools(context.warehouse, context.day)
    if unknown := sorted(set(categories) - set(ledger)):
        raise InputError(f"no published pool of {context.day} is called {unknown}; pools: {sorted(ledger)}")
    versions = _versions(ledger.values())
    rows = _payout_rows(context, versions, ledger).sort_by("video_id")
    by_category = dict(parts_by(rows, "category"))
    chosen = sorted(name for name in ledger if not categories or name in categories)
    return PublishedDay(
        {name: _pool(ledger[name], by_category.get(name, rows.slice(0, 0))) for name in chosen}, versions
    )


def _payout_rows(context: RunContext, versions: Mapping[str, int], ledger: Mapping[str, PoolRun]) -> pa.Table:
    """The day's `pool_payouts`, with `creator_cap_micros` where the caps of creators were part of the rules."""
    warehouse, version = context.warehouse, versions["pool_payouts"]
    columns = (*POOL_COLUMNS, "payout_micros")
    if "creators" not in versions:
        return warehouse.read_arrow("pool_payouts", columns, day=context.day, version=version)
    # Which cap belongs to a level only the configuration says.
    take_paid_settings(context, ledger.values())
    payouts = warehouse.read("pool_payouts", day=context.day, version=version).select(*columns)
    creators = warehouse.read("creators", version=versions["creators"])
    return with_creator_caps(payouts, creators, context.settings.allocation.creator_caps or {}).toArrow()


def _versions(rows: Collection[PoolRun]) -> dict[str, int]:
    """Of every table behind the published rows, which all name the same output and were paid from the same inputs."""
    versions: dict[str, int] = {}
    for row in rows:
        versions |= dict(row.inputs) | dict(row.outputs)
    return versions


def _pool(row: PoolRun, own: pa.Table) -> PublishedPool:
    impressions = own.column("effective_impressions").to_numpy()
    # One floor and one cap a pool; a video without effective impressions has the floor for its cap.
    caps = own.filter(pa.array(impressions > 0)).column("cap_micros")
    pool = Pool(
        category=row.category,
        money=row.paid_micros,
        video=np.array(own.column("video_id").to_pylist(), dtype=object),
        creator=np.array(own.column("creator_id").to_pylist(), dtype=object),
        effective_impressions=impressions,
        floor=pc.max(own.column("floor_micros")).as_py() or 0,
        cap=pc.max(caps).as_py(),
        creators=creators_of(own) if "creator_cap_micros" in own.column_names else None,
    )
    return PublishedPool(row, pool, own.column("payout_micros").to_numpy())


def publish_study(
    context: RunContext, stage: Stage, day: PublishedDay, compute: Callable[[], Sequence[Mapping[str, Any]]]
) -> StageRun:
    """Publish the records that `compute` makes of `day` as the table of `stage`; other pools' rows of the day stand."""
    table = stage.tables[0]

    def store() -> Mapping[str, Any]:
        records = compute()
        context.store_records([*_standing(context, table, day), *records], table)
        return {table: len(records)}

    return run_stage(context, stage, day.versions, store, lambda _: False)


def _standing(context: RunContext, table: str, day: PublishedDay) -> list[dict[str, Any]]:
    """Published rows of the day's other pools: what a run left that never published must not be published with them."""
    version = published_version(context.warehouse, table, context.day)
    if version is None:
        return []
    rows = context.warehouse.read_arrow(table, day=context.day, version=version).to_pylist()
    return [row for row in rows if row["category"] not in day.pools]
