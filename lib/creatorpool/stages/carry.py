"""Refunds over days in a night: what the day takes from other days, and from which version of the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import pyarrow.compute as pc

from creatorpool.allocation.carry import Carries, open_carries, taken
from creatorpool.errors import RunInProgressError
from creatorpool.runs.ledger import PUBLISHED
from creatorpool.runs.pools import POOL_LEDGER, PoolRun
from creatorpool.stages.context import RunContext
from creatorpool.tables import Warehouse

_COLUMNS = ("date", "category", "status", "currency", "carried_micros", "carried_from")


@dataclass(frozen=True)
class DayCarries:
    """What is open before a day, and the version of the ledger that says so; None where nothing was published yet."""

    version: int | None
    open: Carries

    @property
    def inputs(self) -> dict[str, int]:
        """For the ledger's `input_versions`: what `verify` and `reproduce` read the same carries from."""
        return {} if self.version is None else {POOL_LEDGER: self.version}

    def into(self, known: Collection[str], standing: Iterable[PoolRun]) -> Carries:
        """What each pool takes, a pool for every category in `known`; published rows that stand keep what they took."""
        kept = {row.category: taken(row.carried_from) for row in standing}
        return {**{category: {} for category in known}, **self.open, **kept}


def read_carries(context: RunContext, currency: str) -> DayCarries:
    """What the run's day may take, as of the ledger's latest version; of a run that repeats another, as of that one's.

    Raises
    ------
    InputError
        If an open carry is in another currency than the day.
    """
    warehouse = context.warehouse
    if context.as_of is not None:
        version = context.as_of.get(POOL_LEDGER)
    else:
        version = warehouse.version(POOL_LEDGER) if warehouse.exists(POOL_LEDGER) else None
    return DayCarries(version, carries_at(warehouse, context.day, version, currency))


def carries_at(warehouse: Warehouse, day: date, version: int | None, currency: str) -> Carries:
    """What was open before `day` at a version of the ledger; nothing where it is None."""
    if version is None:
        return {}
    rows = warehouse.read_arrow(POOL_LEDGER, _COLUMNS, version=version)
    matters = pc.or_(pc.is_valid(rows["carried_from"]), pc.not_equal(pc.fill_null(rows["carried_micros"], 0), 0))
    return open_carries(rows.filter(pc.and_(matters, pc.equal(rows["status"], PUBLISHED))).to_pylist(), day, currency)


def require_same_carries(context: RunContext, rows: Iterable[PoolRun], seen: int) -> None:
    """RunInProgressError if what is open for `rows`, about to be published, is not what they take, as of `seen`.

    Two days must not take the same carry. From `seen` on the commit itself sees to it (`publish_pools`).
    """
    rows = list(rows)
    found = carries_at(context.warehouse, context.day, seen, rows[0].currency)
    for row in rows:
        if dict(found.get(row.category, {})) != taken(row.carried_from):
            raise RunInProgressError(
                f"pool {row.category} of {context.day}: another run published a day whose refunds are carried, while "
                f"this one ran; nothing is published, run it again"
            )
