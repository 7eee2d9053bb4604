"""The passes over a pool's rows, in machine code: order-free sums, payouts at a price, poles next to a point.

They share one file because compiled code kept on disk is renewed only when its own file changes.
"""

from __future__ import annotations

import numpy as np

from creatorpool.allocation.compiled import compiled
from creatorpool.allocation.types import Floats

LANES = 8
BLOCK = 512


@compiled
def add_to_grids(values: Floats, count: int, grids: Floats, lanes: Floats) -> None:
    """Add the first `count` values to the (3, LANES) running sums `lanes`: independent lanes keep the adders busy."""
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
def respond(
    x: float,
    numerator: float,
    lo: float,
    hi: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
) -> tuple[float, float]:
    """One video's payout and its derivative ``-dp/dlog(delta)``; `hi` is at most the pool."""
    if ranked:
        distance = delta
        free = 0.0 if x < anchor else (np.inf if x > anchor else 1.0 / delta)
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
    pool: float,
    ranked: bool,
    slope: float,
    anchor: float,
    delta: float,
    grids: Floats,
) -> Floats:
    """Sums over (n,) rows as (2, 3) pieces on `grids`: payouts, and their derivatives ``-dp/dlog(delta)``.

    `lo` and `hi` are (n,) or (1,) arrays; `pool` caps every payout.
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
            most = block_hi[i] if block_hi[i] < pool else pool
            p[i], dp[i] = respond(block_m[i] * scale, block_r[i], block_lo[i], most, ranked, slope, anchor, delta)
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
