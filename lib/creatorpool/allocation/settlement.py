"""The settlement of one pool: make its bounds feasible as configured, split it, round it, and keep the evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.concentration import gini, top_share
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import PoolCreators
from creatorpool.allocation.redistribution import efficiency_moved
from creatorpool.allocation.revenue import PoolRevenue
from creatorpool.allocation.split import PoolSplit, PoolTerms, split_pool
from creatorpool.allocation.video_caps import sum_of_caps
from creatorpool.errors import InfeasiblePoolError, SettlementError
from creatorpool.money import in_exact_units
from creatorpool.settings import AllocationSettings

KKT_TOLERANCE = 1e-9
"""Largest KKT residual of a payable solution, as a share of its pool."""

IDLE_PREFIX = "lambda_eff "
"""Prefix of the ledger's warning that λ_eff changes next to nothing."""

FLOOR_ADVICE = (
    "lower allocation.floor_micros (in micros, millionths of the currency), or set allocation.on_floors_exceed_pool to "
    "'scale', which lowers all floors by one factor"
)
CAP_ADVICE = (
    "raise the caps (in micros, millionths of the currency), or set allocation.on_caps_below_pool to 'carry', which "
    "leaves the rest unallocated"
)


@dataclass(frozen=True)
class SettledPool:
    """A pool's numbers for the ledger, and its split (None if no video shares the pool)."""

    revenue: PoolRevenue
    split: PoolSplit | None
    paid_micros: int
    videos_eligible: int
    coverage: float | None = None
    nu: float | None = None
    iterations: int | None = None
    max_kkt_residual: float | None = None
    """Share of the money that was split"""
    gini: float | None = None
    top1pct_share: float | None = None
    efficiency_moved_micros: int | None = None
    warnings: tuple[str, ...] = ()
    """One sentence for each adjustment and each amount that stays unallocated"""
    idle_efficiency: str | None = None
    """Warning that λ_eff changes next to nothing; None if it has an effect"""

    @property
    def warning(self) -> str | None:
        """All warnings as one text for the ledger; None if there is none."""
        return "; ".join([*self.warnings, *([self.idle_efficiency] if self.idle_efficiency else [])]) or None

    @property
    def unallocated_micros(self) -> int:
        """Pool money that no video receives."""
        return self.revenue.pool_micros - self.paid_micros


def settle_pool(
    pool: PoolRevenue,
    effective_impressions: NDArray[np.float64],
    settings: AllocationSettings,
    creators: PoolCreators | None = None,
) -> SettledPool:
    """Split `pool` over videos with these (n,) effective impressions. The order of the videos does not matter.

    `creators` are those of the same videos, in the same order. With them, each creator's payouts stay within the cap.

    Raises
    ------
    InfeasiblePoolError
        If floors exceed the pool or a creator's cap, or caps sum to less than the pool, and the settings are `fail`.
    SettlementError
        If the largest KKT residual exceeds `KKT_TOLERANCE` of the pool.
    """
    n = effective_impressions.size
    if n == 0:
        return SettledPool(pool, None, 0, 0, warnings=_left_whole(pool, "no eligible video"))
    terms, warnings = _feasible_terms(pool, effective_impressions, settings, creators)
    split, allocation = split_pool(terms, effective_impressions, creators)
    if allocation.max_kkt_residual > KKT_TOLERANCE * terms.pool_micros:
        raise SettlementError(
            f"pool {pool.category}: the largest KKT residual of the split is {allocation.max_kkt_residual} micros of "
            f"{terms.pool_micros}, more than {KKT_TOLERANCE:g} of the pool: this is a fault of the solver, report it"
        )
    moved = round(efficiency_moved(allocation))
    idle = None
    if efficiency_is_idle(settings, moved, terms.pool_micros):
        share = moved / terms.pool_micros if terms.pool_micros else 0.0
        idle = f"{IDLE_PREFIX}{settings.lambda_eff:g} moved {moved} micros, {share:.2g} of the pool"
    has_money = terms.pool_micros > 0
    return SettledPool(
        revenue=pool,
        split=split,
        paid_micros=terms.pool_micros,
        videos_eligible=n,
        coverage=float(np.count_nonzero(effective_impressions > 0) / n),
        nu=allocation.nu if math.isfinite(allocation.nu) else None,
        iterations=allocation.iterations,
        max_kkt_residual=allocation.max_kkt_residual / terms.pool_micros if has_money else 0.0,
        gini=gini(allocation.payout) if has_money else None,
        top1pct_share=top_share(allocation.payout) if has_money else None,
        efficiency_moved_micros=moved,
        warnings=tuple(warnings),
        idle_efficiency=idle,
    )


def efficiency_is_idle(settings: AllocationSettings, moved_micros: int, pool_micros: int) -> bool:
    """Whether λ_eff moves less than the share `moved_share_warning` of a pool's money (formulas §6.1)."""
    return 0.0 < settings.lambda_eff < 1.0 and moved_micros < settings.moved_share_warning * pool_micros


def _feasible_terms(
    pool: PoolRevenue,
    effective_impressions: NDArray[np.float64],
    settings: AllocationSettings,
    creators: PoolCreators | None,
) -> tuple[PoolTerms, list[str]]:
    """The pool's terms, with floor and money adjusted where the settings allow it, and a warning per adjustment."""
    floor, cap = settings.bounds(pool.category)
    money = pool.pool_micros
    warnings: list[str] = []
    if not np.any(effective_impressions > 0):
        warnings += _left_whole(pool, "no video with quality above 0")
        floor = cap = money = 0
    floor = _feasible_floor(pool, floor, money, effective_impressions.size, settings, creators, warnings)
    terms = PoolTerms(pool.category, money, floor, cap, SplitPolicy.of(settings))
    most, caps = _most(terms, effective_impressions, creators, pool.currency)
    if most < money:
        if settings.on_caps_below_pool == "fail":
            raise InfeasiblePoolError(
                f"pool {pool.category}: {caps} sum to {in_exact_units(most, pool.currency)}, less than the pool, "
                f"{in_exact_units(money, pool.currency)}: {CAP_ADVICE}"
            )
        warnings.append(f"caps leave {in_exact_units(money - most, pool.currency)} unallocated")
        terms = replace(terms, pool_micros=most)
    return terms, warnings


def _left_whole(pool: PoolRevenue, why: str) -> tuple[str, ...]:
    """The warning that nobody gets the pool's money; none for a pool without money, such as one that refunds lower."""
    return (f"{why}: the whole pool is unallocated",) if pool.pool_micros else ()


def _feasible_floor(
    pool: PoolRevenue,
    floor: int,
    money: int,
    n: int,
    settings: AllocationSettings,
    creators: PoolCreators | None,
    warnings: list[str],
) -> int:
    """The floor, micros; with the setting `scale`, lowered to the largest that fits the pool and all creator caps."""
    if n * floor > money:
        if settings.on_floors_exceed_pool == "fail":
            raise InfeasiblePoolError(
                f"pool {pool.category}: floors of {in_exact_units(floor, pool.currency)} for {n:,} videos sum to "
                f"{in_exact_units(n * floor, pool.currency)}, more than the pool, "
                f"{in_exact_units(money, pool.currency)}: {FLOOR_ADVICE}"
            )
        warnings.append(_scaled(floor, money // n, pool.currency, "the pool"))
        floor = money // n
    if creators is not None and (excess := creators.floors_in_excess(floor, pool.currency)):
        if settings.on_floors_exceed_pool == "fail":
            raise InfeasiblePoolError(f"pool {pool.category}: {excess}: {FLOOR_ADVICE}")
        largest = int(creators.largest_floor())
        warnings.append(_scaled(floor, largest, pool.currency, "creators' caps"))
        floor = largest
    return floor


def _scaled(floor: int, smaller: int, currency: str, limit: str) -> str:
    amounts = f"{in_exact_units(floor, currency)} to {in_exact_units(smaller, currency)}"
    return f"floors scaled from {amounts} to fit {limit}"


def _most(
    terms: PoolTerms, effective_impressions: NDArray[np.float64], creators: PoolCreators | None, currency: str
) -> tuple[int, str]:
    """The most micros that the caps allow (at most the pool if only creators have caps), and a text about the caps."""
    money, floor, cap = terms.pool_micros, terms.floor_micros, terms.cap_micros
    most = money if cap is None else sum_of_caps(effective_impressions, floor, cap)
    each = "" if cap is None else f"of {in_exact_units(cap, currency)} "
    words = f"caps {each}for {np.count_nonzero(effective_impressions > 0):,} videos with quality"
    if creators is None:
        return most, words
    _, caps = terms.bounds(effective_impressions)
    by_creator = int(min(creators.most(np.minimum(caps, money)), float(most)))
    if by_creator < most:
        capped = int(np.count_nonzero(np.isfinite(creators.cap)))
        words = f"caps (allocation.creator_caps) of {capped:,} of {creators.label.size:,} creators"
    return by_creator, words
