"""Beta-binomial tail and its derivatives in the mean, compiled; all sums run over terms of one sign where they can."""

from __future__ import annotations

import math

import numba

from creatorpool.incentives.types import Floats, Integers
from creatorpool.numerics.compiled import compiled


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
        # Near 1 the ratio has no digits of its logarithm.
        total += math.log1p(-b / (size + i)) if b < a else math.log((a + i) / (size + i))
    for i in range(n - j):
        total += math.log((b + i) / (size + j + i))
    return total


@numba.njit(nogil=True)
def upper_tail(k: int, n: int, a: float, b: float) -> tuple[float, float, float, float]:
    """Σ over S from k >= 1 to n of mass, mass′ and mass″, relative to the mass at k, and the log of that mass.

    Derivatives are in the mean q, with a = size·q and b = size·(1 − q): ``mass′ = mass · s`` and
    ``mass″ = mass · (s² + s′)`` with the score ``s = Σ_{i<S} size/(a+i) − Σ_{i<n−S} size/(b+i)``. The terms at i = 0
    exceed all others where size is small, and their squares cancel in s² + s′: they stand apart.
    """
    size = a + b
    lead, gap, squares = size / a, 0.0, 0.0
    for i in range(1, k):
        gap += size / (a + i)
        squares += (size / (a + i)) ** 2
    for i in range(1, n - k):
        gap -= size / (b + i)
        squares += (size / (b + i)) ** 2
    mass, total, total1, total2 = 1.0, 0.0, 0.0, 0.0
    for j in range(k, n + 1):
        own = size / b if j < n else 0.0
        total += mass
        total1 += mass * (lead - own + gap)
        total2 += mass * (gap * gap - squares + 2.0 * ((lead - own) * gap - lead * own))
        if j < n:
            # Whole numbers first: `b + n` would round a small b away.
            left = n - j - 1
            mass *= (n - j) / (j + 1.0) * ((a + j) / (b + left))
            up, down = size / (a + j), size / (b + left) if left > 0 else 0.0
            gap += up + down
            squares += up * up - down * down
    return total, total1, total2, log_mass(k, n, a, b)


@compiled
def fill_pass_points(size: float, q: Floats, failure: Floats, n: Integers, k: Integers, out: Floats) -> None:
    """out[i] = (log π, log π′, π″) for θ ~ Beta(size·q, size·failure), with failure = 1 − q and both > 0."""
    for i in range(n.size):
        out[i, 0], out[i, 1], out[i, 2] = 0.0, -math.inf, 0.0
        if k[i] <= 0:
            continue
        if k[i] > n[i]:
            out[i, 0] = -math.inf
            continue
        a, b = size * q[i], size * failure[i]
        # The smaller side: its terms of mass′ then have one sign, and 1 − π keeps its digits.
        if k[i] > n[i] * q[i]:
            total, first, second, log_unit = upper_tail(k[i], n[i], a, b)
            out[i, 0] = min(0.0, math.log(total) + log_unit)
        else:
            # P[S < k] is the upper tail of the failures n − S, whose mean falls as q rises.
            total, first, second, log_unit = upper_tail(n[i] - k[i] + 1, n[i], b, a)
            out[i, 0] = math.log1p(-min(1.0, total * math.exp(log_unit)))
            second = -second
        out[i, 1] = math.log(first) + log_unit if first > 0.0 else -math.inf
        out[i, 2] = second * math.exp(log_unit)
