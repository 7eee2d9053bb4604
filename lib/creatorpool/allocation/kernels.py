"""Compiled passes over a pool's rows: order-free sums, payouts at a price, poles next to a point.

They share one file because numba renews compiled code on disk only when the file of the function changes.
"""

from __future__ import annotations

import numpy as np

from creatorpool.numerics.compiled import compiled
from creatorpool.numerics.types import Floats, Integers

LANES = 8
BLOCK = 512


@compiled
def is_sound(m: Floats, lo: Floats, hi: Floats) -> bool:
    """Whether all values are >= 0, all but the caps are finite, and no floor exceeds its cap; (n,) or (1,) bounds."""
    sound = True
    for i in range(m.size):
        low, high = lo[i if lo.size > 1 else 0], hi[i if hi.size > 1 else 0]
        sound &= (m[i] >= 0.0) & (m[i] < np.inf) & (low >= 0.0) & (low < np.inf) & (high >= low)
    return sound


@compiled
def add_to_grids(values: Floats, count: int, grids: Floats, lanes: Floats) -> None:
    """Add the first `count` values to the (3, LANES) sums `lanes`, which a processor adds in parallel."""
    s0, s1, s2 = grids[0], grids[1], grids[2]
    whole = count - count % LANES
    for start in range(0, whole, LANES):
        for lane in range(LANES):
            rest = values[start + lane]
            piece = (rest + s0) - s0
            lanes[0, lane] += piece
            rest -= piece
            piece = (rest + s1) - s1
            lanes[1, lane] += piece
            lanes[2, lane] += ((rest - piece) + s2) - s2
    for i in range(whole, count):
        rest = values[i]
        piece = (rest + s0) - s0
        lanes[0, 0] += piece
        rest -= piece
        piece = (rest + s1) - s1
        lanes[1, 0] += piece
        lanes[2, 0] += ((rest - piece) + s2) - s2


@compiled
def grid_sums(values: Floats, grids: Floats) -> Floats:
    """Sum of (n,) values as 3 pieces on `grids`."""
    lanes = np.zeros((3, LANES))
    add_to_grids(values, values.size, grids, lanes)
    pieces = np.zeros(3)
    for g in range(3):
        pieces[g] = lanes[g].sum()
    return pieces


@compiled
def group_pieces(values: Floats, group: Integers, groups: int, grids: Floats) -> Floats:
    """Sum of the (n,) values of each group as (groups, 3) pieces on `grids`."""
    s0, s1, s2 = grids[0], grids[1], grids[2]
    pieces = np.zeros((groups, 3))
    for i in range(values.size):
        rest, own = values[i], pieces[group[i]]
        piece = (rest + s0) - s0
        own[0] += piece
        rest -= piece
        piece = (rest + s1) - s1
        own[1] += piece
        own[2] += ((rest - piece) + s2) - s2
    return pieces


@compiled
def respond(
    x: float,
    numerator: float,
    lo: float,
    hi: float,
    equal: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
) -> tuple[float, float]:
    """One video's payout at a price (`payout.Price`) and its derivative ``-dp/dlog(delta)``; `hi` is finite."""
    if ranked:
        distance = delta
        free = 0.0 if x < anchor else (np.inf if x > anchor else equal / delta)
    else:
        distance = delta + slope * (anchor - x)
        free = numerator / distance if distance > 0 else np.inf
    payout = free if free > lo else lo
    payout = payout if payout < hi else hi
    return payout, (payout * (delta / distance) if (free > lo) and (free < hi) else 0.0)


@compiled
def response_sums(
    m: Floats,
    numerator: Floats,
    lo: Floats,
    hi: Floats,
    scale: float,
    most: float,
    equal: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
    grids: Floats,
) -> Floats:
    """Sums over (n,) rows as (2, 3) pieces on `grids`: payouts, and their derivatives ``-dp/dlog(delta)``.

    `lo` and `hi` are (n,) or (1,) arrays. `most` limits every payout. At a ranked price a video at the anchor gets
    `equal` / `delta`.
    """
    payouts, slopes = np.zeros((3, LANES)), np.zeros((3, LANES))
    p, dp = np.empty(BLOCK), np.empty(BLOCK)
    los, his = np.full(BLOCK, lo[0]), np.full(BLOCK, hi[0])
    for first in range(0, m.size, BLOCK):
        count = min(BLOCK, m.size - first)
        block_m, block_r = m[first : first + count], numerator[first : first + count]
        block_lo = lo[first : first + count] if lo.size > 1 else los
        block_hi = hi[first : first + count] if hi.size > 1 else his
        for i in range(count):
            cap = block_hi[i] if block_hi[i] < most else most
            x = block_m[i] * scale
            p[i], dp[i] = respond(x, block_r[i], block_lo[i], cap, equal, ranked, slope, anchor, delta)
        add_to_grids(p, count, grids, payouts)
        add_to_grids(dp, count, grids, slopes)
    pieces = np.empty((2, 3))
    for g in range(3):
        pieces[0, g], pieces[1, g] = payouts[g].sum(), slopes[g].sum()
    return pieces


@compiled
def neighbouring_poles(m: Floats, scale: float, x: float) -> tuple[float, float]:
    """The largest scaled value below x (0 if none) and the smallest above it (infinite if none)."""
    below, above = 0.0, np.inf
    for i in range(m.size):
        value = m[i] * scale
        if value < x:
            below = max(below, value)
        elif value > x:
            above = min(above, value)
    return below, above


@compiled
def price_level(
    m: Floats,
    numerator: Floats,
    lo: Floats,
    scale: float,
    efficiency_slope: float,
    ranked: bool,
    anchor: float,
    delta: float,
) -> float:
    """The multiplier of a price, in the units of delta; the least one if all videos are at their floors."""
    if not ranked:
        return delta + efficiency_slope * anchor
    if anchor < np.inf:
        return efficiency_slope * anchor
    level = 0.0
    for i in range(m.size):
        fair = numerator[i] / lo[i if lo.size > 1 else 0] if numerator[i] > 0.0 else 0.0
        level = max(level, fair + efficiency_slope * (m[i] * scale))
    return level


@compiled
def group_rows(group: Integers, first_row: Integers) -> Integers:
    """(n,) rows ordered by group, ties by position; group g fills places first_row[g] to first_row[g + 1]."""
    place = first_row.copy()
    rows = np.empty(group.size, dtype=np.int64)
    for row in range(group.size):
        rows[place[group[row]]] = row
        place[group[row]] += 1
    return rows


@compiled
def group_response(
    m: Floats,
    numerator: Floats,
    lo: Floats,
    hi: Floats,
    scale: float,
    most: float,
    equal: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
    grids: Floats,
) -> tuple[float, float, float, float]:
    """As `response_sums` for the few rows of a group: three pieces of Σ payouts, and Σ derivatives."""
    s0, s1, s2 = grids[0], grids[1], grids[2]
    p0 = p1 = p2 = d0 = d1 = d2 = 0.0
    for i in range(m.size):
        floor, cap = lo[i if lo.size > 1 else 0], hi[i if hi.size > 1 else 0]
        cap = cap if cap < most else most
        rest, slope_rest = respond(m[i] * scale, numerator[i], floor, cap, equal, ranked, slope, anchor, delta)
        piece = (rest + s0) - s0
        p0, rest = p0 + piece, rest - piece
        piece = (rest + s1) - s1
        p1, p2 = p1 + piece, p2 + (((rest - piece) + s2) - s2)
        piece = (slope_rest + s0) - s0
        d0, slope_rest = d0 + piece, slope_rest - piece
        piece = (slope_rest + s1) - s1
        d1, d2 = d1 + piece, d2 + (((slope_rest - piece) + s2) - s2)
    return p0, p1, p2, d0 + d1 + d2


@compiled
def group_sums(
    first_row: Integers,
    m: Floats,
    numerator: Floats,
    lo: Floats,
    hi: Floats,
    scale: float,
    most: float,
    equal: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
    grids: Floats,
) -> tuple[Floats, Floats]:
    """Payout of each group at a price, and its derivative; rows are ordered by group, `first_row` is (groups + 1,)."""
    groups = first_row.size - 1
    payouts, slopes = np.empty(groups), np.empty(groups)
    for g in range(groups):
        rows = slice(first_row[g], first_row[g + 1])
        p0, p1, p2, slopes[g] = group_response(
            m[rows],
            numerator[rows],
            lo[rows] if lo.size > 1 else lo,
            hi[rows] if hi.size > 1 else hi,
            scale,
            most,
            equal,
            ranked,
            slope,
            anchor,
            delta,
            grids,
        )
        payouts[g] = p0 + p1 + p2
    return payouts, slopes


@compiled
def group_whole_sums(
    which: Integers,
    first_row: Integers,
    whole: Integers,
    shift: Integers,
    lo: Integers,
    hi: Integers,
    most: int,
) -> Integers:
    """Sums of ``clip(whole + shift, lo, hi)`` >= 0 over the rows of each group in `which`, at most `most`.

    Rows are ordered by group, `first_row` is (groups + 1,). `shift` holds one number per group in `which`.
    """
    sums = np.zeros(which.size, dtype=np.int64)
    for k in range(which.size):
        for row in range(first_row[which[k]], first_row[which[k] + 1]):
            value = max(lo[row], min(hi[row], whole[row] + shift[k]))
            sums[k] = min(sums[k] + value, most)
    return sums


@compiled
def group_cuts(
    which: Integers,
    first_row: Integers,
    whole: Integers,
    remainder: Floats,
    shift: Integers,
    lo: Integers,
    hi: Integers,
    missing: Integers,
) -> tuple[Floats, Integers, Integers]:
    """For each group, the `missing`-th largest remainder of the rows below their caps; how many lie above and at it.

    The three are infinite, 0 and 0 for a group whose `missing` is 0. Arguments as for `group_whole_sums`.
    """
    threshold = np.full(which.size, np.inf)
    above, tied = np.zeros(which.size, dtype=np.int64), np.zeros(which.size, dtype=np.int64)
    for k in range(which.size):
        if missing[k] == 0:
            continue
        first, end = first_row[which[k]], first_row[which[k] + 1]
        found, count = np.empty(end - first), 0
        for row in range(first, end):
            value = whole[row] + shift[k]
            if lo[row] <= value < hi[row]:
                found[count] = remainder[row]
                count += 1
        ranked = np.sort(found[:count])
        threshold[k] = ranked[count - missing[k]]
        for i in range(count):
            above[k] += ranked[i] > threshold[k]
            tied[k] += ranked[i] == threshold[k]
    return threshold, above, tied
