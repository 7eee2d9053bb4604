"""The price at which a pool pays out exactly its money, for pools without creator caps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from creatorpool.allocation.kernels import neighbouring_poles, price_level, response_sums
from creatorpool.allocation.objective import Objective
from creatorpool.allocation.payout import Price
from creatorpool.allocation.search import (
    ABOVE_AT,
    BELOW_AT,
    EXCESS_AND_POLES,
    EXCESS_AT,
    REPLY_SLOTS,
    SLOPE_AT,
    SOLVED,
    Probe,
    search,
)
from creatorpool.allocation.summation import summation_grids
from creatorpool.numerics.compiled import on_slices
from creatorpool.numerics.types import Floats

# An excess up to this part of the pool counts as 0: a few units in the last place.
RELATIVE_TOLERANCE = 2.0**-50


@dataclass(frozen=True)
class Rows:
    """A pool's videos: (n,) arrays; the bounds may be (1,) arrays that hold for all."""

    effective_impressions: Floats
    numerator: Floats
    floor: Floats
    cap: Floats


@dataclass(frozen=True)
class Solution:
    """Result of the search for a price."""

    status: int  # search.SOLVED, FLOORS_EXCEED or CAPS_FALL_SHORT
    price: Price
    passes: int


def solve_pool(objective: Objective, rows: Rows) -> Solution:
    """Find the price of a pool (formulas §2.3): the only root of payouts(price) = pool."""
    grids = summation_grids(rows.numerator.size, 2.0 * objective.pool)

    def answer(reply: Floats, asked: int, ranked: bool, anchor: float, delta: float) -> None:
        excess_and_slope(reply, objective, rows, grids, ranked, anchor, delta)
        if asked == EXCESS_AND_POLES:
            reply[BELOW_AT], reply[ABOVE_AT] = poles_next_to(objective, rows.effective_impressions, anchor)

    return run_search(answer, objective, rows)


def run_search(
    answer: Callable[[Floats, int, bool, float, float], None],
    objective: Objective,
    rows: Rows,
) -> Solution:
    """Run `search`; for each probe `answer` fills the reply that the search reads next."""
    reply = np.zeros(REPLY_SLOTS)
    for passes, (status, ranked, anchor, delta) in enumerate(_probes(reply, objective, rows)):
        if status >= SOLVED:
            return Solution(status, Price(ranked, float(anchor), float(delta)), passes)
        answer(reply, status, ranked, anchor, delta)
    raise RuntimeError("the search for a pool's price ended without a result")


def _probes(reply: Floats, objective: Objective, rows: Rows) -> Iterator[Probe]:
    return search(
        reply,
        objective.is_linear_program,
        objective.pole_slope,
        float(rows.effective_impressions.max()) * objective.totals.scale,
        (objective.free_delta, float(rows.numerator.size)),
        RELATIVE_TOLERANCE * objective.pool,
    )


def excess_and_slope(
    reply: Floats, objective: Objective, rows: Rows, grids: Floats, ranked: bool, anchor: float, delta: float
) -> None:
    """Write Σ payouts - pool, money, and ``-d(Σ payouts)/dlog(delta)`` into `reply`.

    At the root no payout exceeds the pool. Payouts are limited to twice the pool, so that the limit differs from a cap
    that equals the pool.
    """

    def part(first: int, end: int) -> Floats:
        part_of = slice(first, end)
        return response_sums(
            rows.effective_impressions[part_of],
            rows.numerator[part_of],
            rows.floor[part_of] if rows.floor.size > 1 else rows.floor,
            rows.cap[part_of] if rows.cap.size > 1 else rows.cap,
            objective.totals.scale,
            2.0 * objective.pool,
            objective.pool,
            ranked,
            objective.pole_slope,
            anchor,
            delta,
            grids,
        )

    (p0, p1, p2), (d0, d1, d2) = sum(on_slices(part, rows.numerator.size), np.zeros((2, 3)))
    reply[EXCESS_AT] = ((p0 - objective.pool) + p1) + p2
    reply[SLOPE_AT] = d0 + d1 + d2


def poles_next_to(objective: Objective, effective_impressions: Floats, anchor: float) -> tuple[float, float]:
    """The scaled values next below and above `anchor`."""
    found = on_slices(
        lambda first, end: neighbouring_poles(effective_impressions[first:end], objective.totals.scale, anchor),
        effective_impressions.size,
    )
    return max(below for below, _ in found), min(above for _, above in found)


def multiplier(objective: Objective, price: Price, rows: Rows) -> float:
    """ν of a pool's price, objective per money; infinite if the pool has no money."""
    if objective.pool == 0.0:
        return math.inf
    level = price_level(
        rows.effective_impressions,
        rows.numerator,
        rows.floor,
        objective.totals.scale,
        objective.efficiency_slope,
        price.ranked,
        price.anchor,
        price.delta,
    )
    return float(level * objective.price_unit)
