"""Binomial tails and densities in logs, compiled: accurate to a few units of the last place of the logarithm.

The mass function follows Loader's saddle-point form, the tails sum ratios of neighbouring masses away from the mean:
all terms are positive, so that nothing cancels, and few are needed since the ratios fall.

References
----------
Loader, Fast and accurate computation of binomial probabilities (2000).
"""

from __future__ import annotations

import math

import numba

from creatorpool.incentives.types import Floats, Integers
from creatorpool.numerics.compiled import compiled

LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
# Terms below this part of the sum so far no longer change it.
NEGLIGIBLE = 1e-18


@numba.njit(nogil=True)
def stirling_error(n: float) -> float:
    """log n! less Stirling's approximation of it."""
    if n < 16.0:
        return float(math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - LOG_ROOT_2PI)
    s = 1.0 / (n * n)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * 691 / 360360))))) / n


@numba.njit(nogil=True)
def deviance(x: float, mean: float) -> float:
    """x log(x / mean) + mean − x, without cancellation near x = mean."""
    gap = x - mean
    if abs(gap) >= 0.1 * (x + mean):
        return float(x * math.log(x / mean) + mean - x)
    v = gap / (x + mean)
    total, term, power = gap * v, 2.0 * x * v, v * v
    j = 1
    while True:
        term *= power
        longer = total + term / (2 * j + 1)
        if longer == total:
            return longer
        total = longer
        j += 1


@numba.njit(nogil=True)
def log_of(part: float, rest: float) -> float:
    """log(part), where part + rest = 1: by whichever of the two keeps more digits."""
    return float(math.log(part) if part < 0.5 else math.log1p(-rest))


@numba.njit(nogil=True)
def log_mass(k: float, n: float, q: float, failure: float) -> float:
    """log P[Bin(n, q) = k] for whole 0 <= k <= n, with failure = 1 − q."""
    if q == 0.0:
        return 0.0 if k == 0.0 else -math.inf
    if failure == 0.0:
        return 0.0 if k == n else -math.inf
    if k == 0.0:
        return float(n * log_of(failure, q))
    if k == n:
        return float(n * log_of(q, failure))
    errors = stirling_error(n) - stirling_error(k) - stirling_error(n - k)
    fit = deviance(k, n * q) + deviance(n - k, n * failure)
    return float(errors - fit - LOG_ROOT_2PI - 0.5 * math.log(k * ((n - k) / n)))


@numba.njit(nogil=True)
def log_tail(k: float, n: float, q: float, failure: float) -> float:
    """log P[Bin(n, q) >= k] for whole n >= 1 and k >= 0, with failure = 1 − q."""
    if k <= 0.0:
        return 0.0
    if k > n or q == 0.0:
        return -math.inf
    if failure == 0.0:
        return 0.0
    odds = q / failure
    total, term = 1.0, 1.0
    if k >= n * q:
        j = k
        while j < n and term > NEGLIGIBLE * total:
            term *= (n - j) / (j + 1.0) * odds
            total += term
            j += 1.0
        return float(min(0.0, log_mass(k, n, q, failure) + math.log(total)))
    j = k - 1.0
    while j > 0.0 and term > NEGLIGIBLE * total:
        term *= j / ((n - j + 1.0) * odds)
        total += term
        j -= 1.0
    return float(math.log1p(-math.exp(log_mass(k - 1.0, n, q, failure) + math.log(total))))


@compiled
def fill_log_tail(q: Floats, failure: Floats, n: Integers, k: Integers, first: int, end: int, out: Floats) -> None:
    """out[i] = log P[Bin(n[i], q[i]) >= k[i]] for first <= i < end, with failure = 1 − q."""
    for i in range(first, end):
        out[i] = log_tail(float(k[i]), float(n[i]), q[i], failure[i])


@compiled
def fill_log_density(q: Floats, failure: Floats, n: Integers, k: Integers, first: int, end: int, out: Floats) -> None:
    """out[i] = log of the derivative of that tail in q: n[i] P[Bin(n[i] − 1, q[i]) = k[i] − 1]."""
    for i in range(first, end):
        if 1 <= k[i] <= n[i]:
            out[i] = math.log(float(n[i])) + log_mass(k[i] - 1.0, n[i] - 1.0, q[i], failure[i])
        else:
            out[i] = -math.inf
