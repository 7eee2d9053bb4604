"""A weight of efficiency that changes next to nothing, in words (formulas §6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from creatorpool.allocation.settlement import IDLE, efficiency_is_idle
from creatorpool.money import in_units
from creatorpool.settings import AllocationSettings


class SplitMoney(Protocol):
    """What a pool paid, and what of it the weight of efficiency moved, in micros."""

    @property
    def paid_micros(self) -> int: ...
    @property
    def efficiency_moved_micros(self) -> int | None: ...


def other_warnings(warning: str | None) -> list[str]:
    """The ledger's warnings of a pool without that on the weight of efficiency."""
    parts = (warning or "").split("; ")
    return [part for part in parts if part and not part.startswith(IDLE)]


def idle_efficiency(settings: AllocationSettings, pools: Sequence[SplitMoney], currency: str) -> str | None:
    """One sentence on all pools in which the weight of efficiency changes next to nothing; None where there is none."""
    idle = [
        (pool.efficiency_moved_micros, pool.paid_micros)
        for pool in pools
        if pool.efficiency_moved_micros is not None
        and efficiency_is_idle(settings, pool.efficiency_moved_micros, pool.paid_micros)
    ]
    if not idle:
        return None
    moved, paid = (sum(column) for column in zip(*idle, strict=True))
    which = f"in {len(idle)} of {len(pools)} pools, " if len(idle) < len(pools) else ""
    return (
        f"lambda_eff = {settings.lambda_eff:g} changes {in_units(moved)} of {in_units(paid, currency)}: {which}with "
        f"this many videos the {settings.objective} objective ignores it; see allocation.objective in "
        f"docs/configuration.md"
    )
