"""Beta-binomial tail and its derivatives in the mean, compiled; all sums run over terms of one sign where they can."""

from __future__ import annotations

import math

import numba

from creatorpool.compiled import compiled
from creatorpool.incentives.types import Floats, Integers


@numba.njit(nogil=True)
def log_choose(n: int, k: int) -> float:
    """log of the binomial coefficient, as a sum that keeps relative accuracy."""
    total, small = 0.0, min(k, n - k)
    for i in range(small):
        total += math.log((n - i) / (small - i))
    return total


@numba.njit(nogil=True)
def log_mass(j: int, n: int, a: float, b: float) -> float:
    """log P[S = j] by rising factorials: exact also where a + b is huge and log-gammas would cancel."""
    total, size = log_choose(n, j), a + b
    for i in range(j):
        total += math.log((a + i) / (size + i))
    for i in range(n - j):
        total += math.log((b + i) / (size + j + i))
    return total


@numba.njit(nogil=True)
def scores(j: int, n: int, a: float, b: float, size: float) -> tuple[float, float]:
    """d log P[S = j]/dq and d² log P[S = j]/dq², for a = size·q, b = size·(1 − q)."""
    first, second = 0.0, 0.0
    for i in range(j):
        first += size / (a + i)
        second -= (size / (a + i)) ** 2
    for i in range(n - j):
        first -= size / (b + i)
        second -= (size / (b + i)) ** 2
    return first, second


@numba.njit(nogil=True)
def side(start: int, stop: int, n: int, a: float, b: float) -> tuple[float, float, float, float]:
    """Σ over S from `start` to `stop` of mass, mass′ and mass″ relative to the first mass, and the log of that mass."""
    size, step = a + b, 1 if stop > start else -1
    first, second = scores(start, n, a, b, size)
    mass, total, total1, total2 = 1.0, 0.0, 0.0, 0.0
    j = start
    while j != stop:
        total += mass
        total1 += mass * first
        total2 += mass * (second + first * first)
        if step > 0 and j < n:
            up, down = size / (a + j), size / (b + n - j - 1)
            mass *= (n - j) / (j + 1.0) * ((a + j) / (b + n - j - 1))
            first, second = first + up + down, second - up * up + down * down
        elif step < 0 and j > 0:
            up, down = size / (a + j - 1), size / (b + n - j)
            mass *= j / (n - j + 1.0) * ((b + n - j) / (a + j - 1))
            first, second = first - up - down, second + up * up - down * down
        j += step
    return total, total1, total2, log_mass(start, n, a, b)


@compiled
def fill_pass_points(q: Floats, size: float, n: Integers, k: Integers, out: Floats) -> None:
    """out[i] = (log π, log π′, π″) for 0 < q[i] < 1 and θ ~ Beta(size·q, size·(1 − q))."""
    for i in range(n.size):
        out[i, 0], out[i, 1], out[i, 2] = 0.0, -math.inf, 0.0
        if k[i] <= 0:
            continue
        if k[i] > n[i]:
            out[i, 0] = -math.inf
            continue
        a, b = size * q[i], size * (1.0 - q[i])
        # The smaller side: its terms of mass′ then have one sign, and 1 − π keeps its digits.
        is_upper = k[i] > n[i] * q[i]
        if is_upper:
            total, first, second, log_unit = side(k[i], n[i] + 1, n[i], a, b)
            out[i, 0] = min(0.0, math.log(total) + log_unit)
        else:
            total, first, second, log_unit = side(k[i] - 1, -1, n[i], a, b)
            out[i, 0] = math.log1p(-min(1.0, total * math.exp(log_unit)))
            first, second = -first, -second
        out[i, 1] = math.log(first) + log_unit if first > 0.0 else -math.inf
        out[i, 2] = second * math.exp(log_unit)
