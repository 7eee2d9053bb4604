"""Refunds that exceed a category's revenue of a day: the day carries the rest, a later day takes it (formulas §2.1).

A published day carries its category's negative balance. A later day takes it and records that in `carried_from`. Each
micro is taken once, in any order of publication. The part of a carry that no other day has taken is open. So at all
times, over the published days of a category,

    Σ (gross + refunds) = Σ net + Σ open carries.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from creatorpool.errors import InputError

Carries = Mapping[str, Mapping[date, int]]
"""Micros that a day takes from other days, by category and by the day that carried them"""


def balanced(gross_micros: int, refunds_micros: int, carried_in_micros: int) -> tuple[int, int]:
    """A category's net revenue of a day, micros >= 0, and the carry to a later day, micros <= 0.

    `refunds_micros` is <= 0. `carried_in_micros` is <= 0 too, except for money that a republished day no longer owes.
    """
    balance = gross_micros + refunds_micros + carried_in_micros
    return max(balance, 0), min(balance, 0)


def open_carries(pools: Iterable[Mapping[str, Any]], day: date, currency: str) -> Carries:
    """Carries of days before `day` that no day other than `day` has taken; categories without any are left out.

    If days are published in order, these are the carries of the last published day. A day that is published again takes
    open carries again. If the carry of a day changes after a later day took it, the difference is open; it can be
    positive.

    Parameters
    ----------
    pools
        The published pools of all days: `date`, `category`, `currency`, `carried_micros` and `carried_from` (None if
        the pool took no carry).
    currency
        Currency of the day's money.

    Raises
    ------
    InputError
        If an open carry is in another currency.
    """
    found: defaultdict[tuple[str, date, str], int] = defaultdict(int)
    for pool in pools:
        if pool["date"] < day:
            found[pool["category"], pool["date"], pool["currency"]] += pool["carried_micros"] or 0
        if pool["date"] != day:
            for source, micros in taken(pool["carried_from"]).items():
                if source < day:
                    found[pool["category"], source, pool["currency"]] -= micros
    carries: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for (category, source, unit), micros in sorted(found.items()):
        if micros:
            _require_currency(category, source, unit, currency)
            carries[category][source] = micros
    return dict(carries)


def taken(carried_from: str | None) -> dict[date, int]:
    """Micros that a published pool took from other days, by day, from its column `carried_from`."""
    return {date.fromisoformat(day): micros for day, micros in json.loads(carried_from or "{}").items()}


def as_carried_from(carried: Mapping[date, int]) -> str | None:
    """The column `carried_from`: canonical JSON of micros by day, None if `carried` is empty."""
    content = {day.isoformat(): micros for day, micros in carried.items()}
    return json.dumps(content, sort_keys=True, separators=(",", ":")) if content else None


def _require_currency(category: str, source: date, found: str, wanted: str) -> None:
    if found != wanted:
        raise InputError(
            f"pool {category}: refunds carried from {source} are in {found}, the revenue of the day is in {wanted}: "
            f"load each currency under its own root"
        )
