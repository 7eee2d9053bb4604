"""Carried refunds in a night: which amounts of earlier days the day takes, and at which version of the ledger."""

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
    """The carries that are open before a day, and the version of the ledger that they were read at.

    The version is None if nothing was published yet.
    """

    version: int | None
    open: Carries

    @property
    def inputs(self) -> dict[str, int]:
        """Entry for the ledger's `input_versions`, so that `verify` and `reproduce` read the same carries."""
        return {} if self.version is None else {POOL_LEDGER: self.version}

    def by_pool(self, known: Collection[str], published: Iterable[PoolRun]) -> Carries:
        """The carries that each pool takes, with an entry for every category in `known`, micros.

        Rows that are `published` and not paid again keep the carries that they took.
        """
        kept = {row.category: taken(row.carried_from) for row in published}
        return {**{category: {} for category in known}, **self.open, **kept}


def read_carries(context: RunContext, currency: str) -> DayCarries:
    """The carries that the run's day may take, at the ledger's latest version, or at the version that `as_of` names.

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
    """The carries that were open before `day` at a version of the ledger; none if the version is None.

    Raises
    ------
    InputError
        If an open carry is in another currency than `currency`.
    """
    if version is None:
        return {}
    rows = warehouse.read_arrow(POOL_LEDGER, _COLUMNS, version=version)
    has_carry = pc.or_(pc.is_valid(rows["carried_from"]), pc.not_equal(pc.fill_null(rows["carried_micros"], 0), 0))
    return open_carries(rows.filter(pc.and_(has_carry, pc.equal(rows["status"], PUBLISHED))).to_pylist(), day, currency)


def require_same_carries(context: RunContext, rows: Iterable[PoolRun], seen: int) -> None:
    """Check that the carries that are open at version `seen` of the ledger are those that `rows` take.

    Two days must not take the same carry. `publish_pools` protects against commits after `seen`.

    Raises
    ------
    RunInProgressError
        If another run has changed the open carries since this run read them.
    """
    rows = list(rows)
    found = carries_at(context.warehouse, context.day, seen, rows[0].currency)
    for row in rows:
        if dict(found.get(row.category, {})) != taken(row.carried_from):
            raise RunInProgressError(
                f"pool {row.category} of {context.day}: another run published a day with carried refunds while this "
                f"one ran; nothing was published, run it again"
            )
