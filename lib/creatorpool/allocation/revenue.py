"""A category's revenue of a day as its pool: refunds, carries and the platform's share (formulas §2.1, S0 §2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from creatorpool.allocation.carry import Carries, as_carried_from, balanced
from creatorpool.settings import PoolSettings

CARRY_COLUMNS = ("refunds_micros", "carried_in_micros", "carried_micros", "carried_from")
"""Columns of `pool_revenue` that rows of earlier versions do not have."""


@dataclass(frozen=True)
class PoolRevenue:
    """One category's pool on one day, micros: contract `pool_revenue` without its day."""

    category: str
    gross_micros: int
    platform_share: float
    pool_micros: int
    currency: str
    refunds_micros: int = 0
    carried_in_micros: int = 0
    carried_micros: int = 0
    carried_from: str | None = None


def net_micros(pool: Mapping[str, Any]) -> int:
    """What a row of `pool_revenue` leaves to share: gross revenue after refunds; earlier versions wrote no refunds."""
    lowered = (pool["refunds_micros"] or 0) + (pool["carried_in_micros"] or 0)
    return balanced(pool["gross_micros"], lowered, 0)[0]


def form_pools(
    revenue: Iterable[Mapping[str, Any]], settings: PoolSettings, carried: Carries | None = None
) -> list[PoolRevenue]:
    """Pools by category: revenue after refunds, less the platform's share; a part of a micro stays with the platform.

    Parameters
    ----------
    revenue
        Rows of `category_revenue`, all in one currency, at least one.
    carried
        What the day takes from other days. A category that is here alone has a pool too, with gross revenue 0.
    """
    booked = {row["category"]: row for row in revenue}
    others = carried or {}
    nothing = {"gross_micros": 0, "refunds_micros": 0, "currency": next(iter(booked.values()))["currency"]}
    return [
        _formed(category, booked.get(category, nothing), settings.platform_share, others.get(category, {}))
        for category in sorted({*booked, *others})
    ]


def _formed(
    category: str, booked: Mapping[str, Any], platform_share: float, carried_in: Mapping[date, int]
) -> PoolRevenue:
    net, carried = balanced(booked["gross_micros"], booked["refunds_micros"], sum(carried_in.values()))
    return PoolRevenue(
        category=category,
        gross_micros=booked["gross_micros"],
        platform_share=platform_share,
        pool_micros=int(((1 - Decimal(str(platform_share))) * net).to_integral_value(ROUND_FLOOR)),
        currency=booked["currency"],
        refunds_micros=booked["refunds_micros"],
        carried_in_micros=sum(carried_in.values()),
        carried_micros=carried,
        carried_from=as_carried_from(carried_in),
    )
