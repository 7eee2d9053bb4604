r"""Tail of a Poisson-binomial count and its derivatives, by a recursion over slots in which nothing cancels.

With F(x) = Π (1 − p_j + p_j x), the generating function of the count, ∂F/∂q = (x − 1) A(x) and
∂²F/∂q² = (x − 1) A₂(x) + (x − 1)² C(x), where

    A  = Σ_j p_j′ Π_{i≠j} (1 − p_i + p_i x),   A₂ the same with p_j″,   C = 2 Σ_{i<j} p_i′ p_j′ Π_{others},

so that π′ = [x^{k−1}] A and π″ = [x^{k−1}] A₂ + [x^{k−2}] C − [x^{k−1}] C. F, A and C have coefficients >= 0 and
build up slot by slot. Tilting each slot, p̃ ∝ p e^λ with λ such that the tilted mean is k, puts the wanted
coefficients at the centre of the distribution: no tail is so far out that it underflows, and a narrow band suffices.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from creatorpool.compiled import compiled
from creatorpool.incentives.types import Floats, Integers

# Band edges are dropped below this: 5,000 slots of it do not reach the 16th digit of the centre.
NEGLIGIBLE = 1e-30
MAX_TILT = 650.0
TILT_STEPS = 60


@numba.njit(nogil=True)
def tilt_to(p: Floats, target: float) -> float:
    """λ at which the tilted mean Σ p e^λ / (1 − p + p e^λ) is about `target`; 0 where no tilt brings it there."""
    certain, possible = 0, 0
    for chance in p:
        certain += chance == 1.0
        possible += chance > 0.0
    if not certain < target < possible:
        return 0.0
    low, high, tilt = -MAX_TILT, MAX_TILT, 0.0
    for _ in range(TILT_STEPS):
        mean, variance = 0.0, 0.0
        for chance in p:
            odds = chance * math.exp(tilt)
            tilted = odds / (1.0 - chance + odds)
            mean += tilted
            variance += tilted * (1.0 - tilted)
        if abs(mean - target) < 0.1:
            break
        if mean < target:
            low = tilt
        else:
            high = tilt
        step = tilt + (target - mean) / variance if variance > 0.0 else low - 1.0
        tilt = step if low < step < high else 0.5 * (low + high)
    return tilt


@numba.njit(nogil=True)
def advance(f: Floats, a: Floats, b: Floats, c: Floats, low: int, high: int, slot: tuple[float, float, float]) -> None:
    """Multiply in one slot (tilted p, p′, p″); coefficients low … high are in use, one more afterwards."""
    p, first, second = slot
    stay = 1.0 - p
    for s in range(high + 1, low - 1, -1):
        left = s > 0
        c[s] = c[s] * stay + (c[s - 1] * p if left else 0.0) + 2.0 * first * a[s]
        b[s] = b[s] * stay + (b[s - 1] * p if left else 0.0) + second * f[s]
        a[s] = a[s] * stay + (a[s - 1] * p if left else 0.0) + first * f[s]
        f[s] = f[s] * stay + (f[s - 1] * p if left else 0.0)


@numba.njit(nogil=True)
def convolve(
    p: Floats, first: Floats, second: Floats, tilt: float, negligible: float
) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Coefficients 0 … n of the tilted F, A, A₂ and C, and log Π (1 − p + p e^λ)."""
    n = p.size
    f, a, b, c = np.zeros(n + 2), np.zeros(n + 2), np.zeros(n + 2), np.zeros(n + 2)
    f[0] = 1.0
    low, high, log_scale, lost = 0, 0, 0.0, 0.0
    for j in range(n):
        norm = 1.0 - p[j] + p[j] * math.exp(tilt)
        # Compensated: thousands of like terms round the same way, and π would carry e to that error.
        term = math.log(norm) - lost
        longer = log_scale + term
        lost = (longer - log_scale) - term
        log_scale = longer
        advance(f, a, b, c, low, high, (p[j] * math.exp(tilt) / norm, first[j] / norm, second[j] / norm))
        high += 1
        while low < high and max(f[low], a[low], c[low]) < negligible:
            f[low] = a[low] = b[low] = c[low] = 0.0
            low += 1
        while high > low and max(f[high], a[high], c[high]) < negligible:
            f[high] = a[high] = b[high] = c[high] = 0.0
            high -= 1
    return f, a, b, c, log_scale


@numba.njit(nogil=True)
def log_tail(f: Floats, k: int, tilt: float, log_scale: float) -> float:
    """log P[S >= k], summed from the bar outwards on the side that the tilt makes decay."""
    n = f.size - 2
    total = 0.0
    if tilt > 0.0 or (tilt == 0.0 and k > n):
        for s in range(n, k - 1, -1):
            total += f[s] * math.exp(-tilt * (s - k))
        return min(0.0, math.log(total) + log_scale - tilt * k) if total > 0.0 else -math.inf
    for s in range(k):
        total += f[s] * math.exp(-tilt * (s - k + 1))
    below = total * math.exp(log_scale - tilt * (k - 1))
    if tilt == 0.0 and below > 0.5:
        above = 0.0
        for s in range(n, k - 1, -1):
            above += f[s]
        return math.log(above) + log_scale if above > 0.0 else -math.inf
    return math.log1p(-below) if below < 1.0 else -math.inf


@compiled
def fill_pass_points(
    p: Floats, first: Floats, second: Floats, row: Integers, n: Integers, k: Integers, out: Floats
) -> None:
    """out[i] = (log π, log π′, π″) of the first n[i] slots of row[i] at the bar k[i]; chances are (rows, count)."""
    for i in range(n.size):
        out[i, 0], out[i, 1], out[i, 2] = 0.0, -math.inf, 0.0
        if k[i] <= 0:
            continue
        if k[i] > n[i]:
            out[i, 0] = -math.inf
            continue
        chances = p[row[i], : n[i]]
        tilt = tilt_to(chances, float(k[i]) if k[i] < n[i] else n[i] - 0.5)
        slopes = first[row[i], : n[i]], second[row[i], : n[i]]
        f, a, b, c, log_scale = convolve(chances, slopes[0], slopes[1], tilt, NEGLIGIBLE)
        out[i, 0] = log_tail(f, k[i], tilt, log_scale)
        at = k[i] - 1
        log_unit = log_scale - tilt * at
        if a[at] > 0.0:
            out[i, 1] = math.log(a[at]) + log_unit
        # One power of e^λ less for the coefficient below the bar's.
        before = c[at - 1] * math.exp(tilt) if at > 0 else 0.0
        out[i, 2] = (b[at] + before - c[at]) * math.exp(log_unit)
