"""Caps on the sum of a creator's payouts: water-filling on two levels (formulas §2.5).

The pool's price solves Σ_g min(cap_g, S_g(price)) = P, where S_g is the sum of creator g's payouts at that price. A
creator with S_g above the cap then gets a higher price, ν + η_g, at which its videos earn exactly the cap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from creatorpool.allocation.creator_caps import CreatorCaps
from creatorpool.allocation.dual import RELATIVE_TOLERANCE, Rows, Solution, multiplier, poles_next_to, run_search
from creatorpool.allocation.kernels import (
    grid_sums,
    group_response,
    group_rows,
    group_sums,
    neighbouring_poles,
    price_level,
)
from creatorpool.allocation.objective import Objective
from creatorpool.allocation.payout import CreatorPrices, Price
from creatorpool.allocation.search import (
    ABOVE_AT,
    BELOW_AT,
    EXCESS_AND_POLES,
    EXCESS_AT,
    REPLY_SLOTS,
    SLOPE_AT,
    SOLVED,
    search,
)
from creatorpool.allocation.summation import summation_grids
from creatorpool.errors import InfeasiblePoolError
from creatorpool.numerics.compiled import compiled_in_memory, on_slices
from creatorpool.numerics.types import Floats, Integers

Result = TypeVar("Result")

# Number of capped creators from which compiling their search, which takes seconds, saves time.
COMPILE_FROM = 5_000


@dataclass(frozen=True)
class GroupedRows:
    """A pool's videos ordered by creator: creator g has the rows first_row[g] to first_row[g + 1]."""

    rows: Rows
    first_row: Integers  # (creators + 1,)
    cap: Floats  # (creators,), money

    def on_creators(self, task: Callable[[int, int], Result]) -> list[Result]:
        """Run ``task(first, end)`` on ranges of creators with about equally many videos."""
        n = self.rows.numerator.size

        def on_rows(first: int, end: int) -> Result:
            edges = np.searchsorted(self.first_row[:-1], (first, end))
            return task(int(edges[0]), int(edges[1]))

        return on_slices(on_rows, n)


def grouped_rows(rows: Rows, caps: CreatorCaps) -> GroupedRows:
    """Order `rows` by creator."""
    first_row = np.concatenate(([0], np.cumsum(np.bincount(caps.code, minlength=caps.cap.size))))
    order = group_rows(caps.code, first_row)
    columns = (rows.effective_impressions, rows.numerator, rows.floor, rows.cap)
    ordered = Rows(*(column[order] if column.size > 1 else column for column in columns))
    return GroupedRows(ordered, first_row, caps.cap)


def solve_capped_creators(objective: Objective, rows: Rows, caps: CreatorCaps) -> tuple[Solution, CreatorPrices]:
    """Find the pool's price, and the prices of the creators whose caps bind.

    Raises
    ------
    InfeasiblePoolError
        If the floors of a creator's videos sum to more than the creator's cap.
    """
    grouped = grouped_rows(rows, caps)
    grids = summation_grids(rows.numerator.size, 2.0 * objective.pool)

    def demand(price: Price) -> tuple[Floats, Floats]:
        parts = grouped.on_creators(lambda first, end: _demand(objective, grouped, first, end, price, grids))
        return np.concatenate([paid for paid, _ in parts]), np.concatenate([slope for _, slope in parts])

    def answer(reply: Floats, asked: int, ranked: bool, anchor: float, delta: float) -> None:
        wanted, slope = demand(Price(ranked, anchor, delta))
        p0, p1, p2 = grid_sums(np.minimum(wanted, caps.cap), grids)
        reply[EXCESS_AT] = ((p0 - objective.pool) + p1) + p2
        reply[SLOPE_AT] = grid_sums(np.where(wanted < caps.cap, slope, 0.0), grids).sum()
        if asked == EXCESS_AND_POLES:
            reply[BELOW_AT], reply[ABOVE_AT] = poles_next_to(objective, rows.effective_impressions, anchor)

    _check_floors(demand(Price(True, np.inf, 1.0))[0], caps)
    solution = run_search(answer, objective, rows)
    over = np.flatnonzero(demand(solution.price)[0] > caps.cap) if solution.status == SOLVED else np.zeros(0, np.int64)
    return solution, _creator_prices(objective, grouped, caps, over, multiplier(objective, solution.price, rows))


def _demand(
    objective: Objective, grouped: GroupedRows, first: int, end: int, price: Price, grids: Floats
) -> tuple[Floats, Floats]:
    rows = grouped.rows
    result: tuple[Floats, Floats] = group_sums(
        grouped.first_row[first : end + 1],
        rows.effective_impressions,
        rows.numerator,
        rows.floor,
        rows.cap,
        objective.totals.scale,
        2.0 * objective.pool,
        objective.pool,
        price.ranked,
        objective.pole_slope,
        price.anchor,
        price.delta,
        grids,
    )
    return result


def _check_floors(floors: Floats, caps: CreatorCaps) -> None:
    above = np.flatnonzero(floors > caps.cap * (1.0 + RELATIVE_TOLERANCE))
    if above.size:
        g = above[0]
        raise InfeasiblePoolError(
            f"floors of creator {caps.label[g]!r} must sum to at most the creator's cap {caps.cap[g]}, got {floors[g]}"
        )


def _creator_prices(
    objective: Objective, grouped: GroupedRows, caps: CreatorCaps, over: Integers, nu: float
) -> CreatorPrices:
    rows = grouped.rows
    numerator_grids = summation_grids(rows.numerator.size, objective.largest_numerator)
    prices = np.empty((over.size, 4))

    solve_creators = _solve_creators if over.size < COMPILE_FROM else compiled_solve_creators

    def solve(first: int, end: int) -> None:
        solve_creators(
            prices[first:end],
            over[first:end],
            grouped.first_row,
            rows.effective_impressions,
            rows.numerator,
            numerator_grids,
            rows.floor,
            rows.cap,
            caps.cap,
            objective.totals.scale,
            objective.pool,
            objective.is_linear_program,
            objective.pole_slope,
            objective.efficiency_slope,
        )

    on_slices(solve, over.size)
    ranked, anchor, delta, level = prices.T
    return CreatorPrices(
        caps.label[over], ranked > 0, anchor, delta, np.maximum(level * objective.price_unit - nu, 0.0)
    )


def _solve_creators(
    prices: Floats,
    which: Integers,
    first_row: Integers,
    m: Floats,
    numerator: Floats,
    numerator_grids: Floats,
    lo: Floats,
    hi: Floats,
    cap: Floats,
    scale: float,
    pool: float,
    rank_only: bool,
    slope: float,
    efficiency_slope: float,
) -> None:
    """Fill `prices` with a row (ranked, anchor, delta, nu in the units of delta) for each creator in `which`."""
    reply = np.zeros(REPLY_SLOTS)
    for k in range(which.size):
        rows = slice(first_row[which[k]], first_row[which[k] + 1])
        own_m, own_numerator, target = m[rows], numerator[rows], cap[which[k]]
        own_lo, own_hi = lo[rows] if lo.size > 1 else lo, hi[rows] if hi.size > 1 else hi
        most = 2.0 * target  # as in `dual.excess_and_slope`
        grids = summation_grids(own_m.size, most)
        starts = (math.inf, math.inf)
        if target > 0.0:
            starts = (grid_sums(own_numerator, numerator_grids).sum() / target, own_m.size * (pool / target))
        top, tolerance = own_m.max() * scale, RELATIVE_TOLERANCE * target
        for asked, ranked, anchor, delta in search(reply, rank_only, slope, top, starts, tolerance):
            if asked >= SOLVED:
                level = price_level(own_m, own_numerator, own_lo, scale, efficiency_slope, ranked, anchor, delta)
                prices[k, 0], prices[k, 1], prices[k, 2], prices[k, 3] = ranked, anchor, delta, level
                break
            p0, p1, p2, reply[SLOPE_AT] = group_response(
                own_m, own_numerator, own_lo, own_hi, scale, most, pool, ranked, slope, anchor, delta, grids
            )
            reply[EXCESS_AT] = ((p0 - target) + p1) + p2
            if asked == EXCESS_AND_POLES:
                reply[BELOW_AT], reply[ABOVE_AT] = neighbouring_poles(own_m, scale, anchor)


compiled_solve_creators = compiled_in_memory(_solve_creators)
