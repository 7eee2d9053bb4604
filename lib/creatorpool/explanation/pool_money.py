"""The money of a pool on two days, and the causes of its change (formulas §2.10).

A pool pays the advertisers' net revenue times the share that the platform leaves, times the part that is not left
unallocated. The logarithm of the pool's money is the sum of three logarithms, one for each cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from creatorpool.allocation.revenue import net_micros
from creatorpool.explanation.logarithmic import log_change, log_mean
from creatorpool.money import LIMIT, round_to_total

POOL_CAUSES = ("revenue", "platform_share", "unallocated")
"""What changes the size of a pool, in the order of the factors."""


@dataclass(frozen=True)
class PoolMoney:
    """Where the money of one pool comes from on one day."""

    net: int
    """What advertisers paid, less refunds, micros >= 0"""
    platform_share: float
    """The share in [0, 1] that the platform keeps"""
    pool: int
    """The rest, rounded down to whole micros"""

    def factors(self, paid: float) -> dict[str, float]:
        """The factor of each of `POOL_CAUSES`, if the pool pays `paid` micros."""
        allocated = paid / self.pool if self.pool else 1.0
        return dict(zip(POOL_CAUSES, (float(self.net), 1.0 - self.platform_share, allocated), strict=True))


def money_of_pools(rows: Iterable[Mapping[str, Any]]) -> dict[str, PoolMoney]:
    """Where the money of each category comes from, from rows of `pool_revenue` of one day."""
    return {row["category"]: PoolMoney(net_micros(row), row["platform_share"], row["pool_micros"]) for row in rows}


def pool_causes(before: PoolMoney | None, after: PoolMoney | None, paid: tuple[int, int]) -> dict[str, int]:
    """What each of `POOL_CAUSES` changes in all that one pool pays, whole micros that sum to the change.

    Nothing else changes a pool's total: views, quality and competition move its money between videos. `paid` is what
    the pool paid on the two days. If the pool is missing on one of them (None), nobody paid for it: all is `revenue`.
    """
    change = paid[1] - paid[0]
    if before is None or after is None:
        return dict.fromkeys(POOL_CAUSES, 0) | {"revenue": change}
    if min(paid) > 0:
        mean = float(log_mean(*paid))
        parts = {name: mean * log for name, log in cause_logs((before, after), paid).items()}
    else:
        weights = absent_causes((before, after), paid)
        parts = {name: weights.get(name, 0.0) * change for name in POOL_CAUSES}
    micros = round_to_total(list(parts.values()), change, lower=-LIMIT)
    return dict(zip(parts, micros.tolist(), strict=True))


def cause_logs(money: tuple[PoolMoney, PoolMoney], paid: tuple[float, float]) -> dict[str, float]:
    """The change of the logarithm of each factor; they sum to ``log paid[1] - log paid[0]``.

    The largest takes what rounding the pool to whole micros leaves. All are 0 if the pool paid nothing on one day.
    """
    if min(paid) <= 0:
        return dict.fromkeys(POOL_CAUSES, 0.0)
    before, after = (own.factors(micros) for own, micros in zip(money, paid, strict=True))
    logs = {name: float(log_change(before[name], after[name])) for name in POOL_CAUSES}
    largest = max(POOL_CAUSES, key=lambda name: abs(logs[name]))
    logs[largest] += float(log_change(*paid)) - sum(logs.values())
    return logs


def absent_causes(money: tuple[PoolMoney, PoolMoney], paid: tuple[float, float]) -> dict[str, float]:
    """The weights of the causes for which the pool paid nothing on one day; they sum to 1.

    Factors that are 0 on one day only share the change evenly. If there is none, the revenue was too small to share.
    """
    before, after = (own.factors(micros) for own, micros in zip(money, paid, strict=True))
    absent = [name for name in POOL_CAUSES if (before[name] > 0) != (after[name] > 0)] or ["revenue"]
    return {name: 1.0 / len(absent) for name in absent}
