"""Refunds that exceed a category's revenue: what the day carries, and which later day takes it (formulas §2.1).

A published day carries its category's negative balance. A later day takes it, and says so in `carried_from`; each micro
is taken once, whatever the order in which days are published. So at all times

    Σ (gross + refunds) = Σ net + Σ of what is open,

over the published days of a category, where the carry of a day is open as far as no other day has taken it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from creatorpool.errors import InputError

Carries = Mapping[str, Mapping[date, int]]
"""Micros that a day takes from others, by category and by the day that carried them"""


def balanced(gross_micros: int, refunds_micros: int, carried_in_micros: int) -> tuple[int, int]:
    """What is left of a category's revenue of a day, micros >= 0, and what the day carries, micros <= 0.

    Refunds are <= 0. What is carried in is <= 0 as well, but for money that a republished day no longer owes.
    """
    balance = gross_micros + refunds_micros + carried_in_micros
    return max(balance, 0), min(balance, 0)


def open_carries(pools: Iterable[Mapping[str, Any]], day: date, currency: str) -> Carries:
    """What days before `day` carry and no day but `day` itself has taken; categories with nothing are left out.

    Where days are published in order, that is the carry of the last published day. A day that is published again takes
    anew. If its carry changes after a later day took it, the difference stays open, and may be positive.

    Parameters
    ----------
    pools
        The published pools of all days: `date`, `category`, `currency`, `carried_micros` and `carried_from` (None where
        nothing was carried).
    currency
        Of the day's money.

    Raises
    ------
    InputError
        If what is open is in another currency.
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
    """What a published pool took from other days, micros by day, as its ledger row `carried_from` says."""
    return {date.fromisoformat(day): micros for day, micros in json.loads(carried_from or "{}").items()}


def as_carried_from(carried: Mapping[date, int]) -> str | None:
    """The column `carried_from`: canonical JSON of `taken`, None where there is nothing."""
    content = {day.isoformat(): micros for day, micros in carried.items()}
    return json.dumps(content, sort_keys=True, separators=(",", ":")) if content else None


def _require_currency(category: str, source: date, found: str, wanted: str) -> None:
    if found != wanted:
        raise InputError(
            f"pool {category}: refunds carried from {source} are in {found}, the revenue of the day is in {wanted}: "
            f"load each currency under its own root"
        )
