"""The warning that the efficiency weight λ_eff changes next to nothing (formulas §6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from creatorpool.allocation.settlement import IDLE_PREFIX, efficiency_is_idle
from creatorpool.money import in_units
from creatorpool.settings import AllocationSettings

LINEAR = (
    "the linear objective ignores it in large pools. Payouts are right; set allocation.objective to log if the weight "
    "should count"
)
LOG = "too few videos can be paid there. Payouts are right"
"""Why the weight moves little, by objective, and what to do"""


class SplitMoney(Protocol):
    """The money that a pool paid, and the part of it that λ_eff moved, in micros."""

    @property
    def paid_micros(self) -> int: ...
    @property
    def efficiency_moved_micros(self) -> int | None: ...


class EfficiencyRule(Protocol):
    """The weight of efficiency that a split follows, and its objective."""

    @property
    def lambda_eff(self) -> float: ...
    @property
    def objective(self) -> str: ...


def other_warnings(warning: str | None) -> list[str]:
    """The warnings in a pool's ledger text `warning`, without the one on λ_eff."""
    parts = (warning or "").split("; ")
    return [part for part in parts if part and not part.startswith(IDLE_PREFIX)]


def is_idle(warning: str | None) -> bool:
    """Whether a pool's ledger text `warning` says that λ_eff changes next to nothing."""
    return any(part.startswith(IDLE_PREFIX) for part in (warning or "").split("; "))


def idle_efficiency(settings: AllocationSettings, pools: Sequence[SplitMoney], currency: str) -> str | None:
    """One sentence about all pools in which λ_eff changes next to nothing; None if there is no such pool."""
    idle = [
        pool
        for pool in pools
        if pool.efficiency_moved_micros is not None
        and efficiency_is_idle(settings, pool.efficiency_moved_micros, pool.paid_micros)
    ]
    return idle_sentence(settings, idle, len(pools), currency) if idle else None


def idle_sentence(rule: EfficiencyRule, idle: Sequence[SplitMoney], pools: int, currency: str) -> str:
    """The sentence on the `idle` ones of a day's pools, whose number is `pools`; their split follows `rule`."""
    moved = sum(pool.efficiency_moved_micros or 0 for pool in idle)
    paid = sum(pool.paid_micros for pool in idle)
    which = f" in {len(idle)} of {pools} pools" if len(idle) < pools else ""
    why = LINEAR if rule.objective == "linear" else LOG
    return (
        f"the weight of efficiency, lambda_eff = {rule.lambda_eff:g}, moves {in_units(moved)} of "
        f"{in_units(paid, currency)}{which}: {why}"
    )
