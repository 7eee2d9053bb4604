"""The warning that the efficiency weight λ_eff changes next to nothing (formulas §6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from creatorpool.allocation.settlement import IDLE_PREFIX, efficiency_is_idle
from creatorpool.money import in_units
from creatorpool.settings import AllocationSettings


class SplitMoney(Protocol):
    """The money that a pool paid, and the part of it that λ_eff moved, in micros."""

    @property
    def paid_micros(self) -> int: ...
    @property
    def efficiency_moved_micros(self) -> int | None: ...


def other_warnings(warning: str | None) -> list[str]:
    """The warnings in a pool's ledger text `warning`, without the one on λ_eff."""
    parts = (warning or "").split("; ")
    return [part for part in parts if part and not part.startswith(IDLE_PREFIX)]


def idle_efficiency(settings: AllocationSettings, pools: Sequence[SplitMoney], currency: str) -> str | None:
    """One sentence about all pools in which λ_eff changes next to nothing; None if there is no such pool."""
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
