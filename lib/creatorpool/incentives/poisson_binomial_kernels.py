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

from creatorpool.incentives.types import Floats, Integers
from creatorpool.numerics.compiled import compiled

# Band edges are dropped below this: 5,000 slots of it do not reach the 16th digit of the centre.
NEGLIGIBLE = 1e-30
SMALLEST = 1e-300
MAX_TILT = 650.0
TILT_STEPS = 60


@numba.njit(nogil=True)
def possible_counts(p: Floats) -> tuple[int, int]:
    """The least and the largest count that chances of exactly 0 and 1 leave possible."""
    certain, possible = 0, 0
    for chance in p:
        certain += chance == 1.0
        possible += chance > 0.0
    return certain, possible


@numba.njit(nogil=True)
def exponential_tilt(p: Floats, k: float, certain: int, possible: int) -> float:
    """λ at which the tilted mean Σ p e^λ / (1 − p + p e^λ) is about k, or as near as counts can come to it."""
    if certain == possible:
        return 0.0
    # At an end of the counts no finite tilt has its mean; half a count away most of the mass lies at the end.
    target = min(max(k, certain + 0.5), possible - 0.5)
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
def convolve(p: Floats, first: Floats, second: Floats, tilt: float) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Coefficients of the tilted F, A, A₂ and C, and log Π (1 − p + p e^λ); coefficient s is at index s + 1."""
    n = p.size
    now, then = np.zeros((4, n + 3)), np.zeros((4, n + 3))
    now[0, 1] = 1.0
    low, high, log_scale, lost = 1, 1, 0.0, 0.0
    growth = math.exp(tilt)
    for j in range(n):
        norm = 1.0 - p[j] + p[j] * growth
        # Compensated: thousands of like terms round the same way, and π would carry e to that error.
        term = math.log(norm) - lost
        longer = log_scale + term
        lost = (longer - log_scale) - term
        log_scale = longer
        first_j, second_j = first[j] / norm, second[j] / norm
        # Not 1 − hit, which has few digits where a steep tilt makes the hit all but certain.
        hit, stay = p[j] * growth / norm, (1.0 - p[j]) / norm
        f, a, b, c = now
        # Two buffers and no branch, so that the loop runs on vectors. What lies beside the band is 0.
        for s in range(low, high + 2):
            then[0, s] = f[s] * stay + f[s - 1] * hit
            then[1, s] = a[s] * stay + a[s - 1] * hit + first_j * f[s]
            then[2, s] = b[s] * stay + b[s - 1] * hit + second_j * f[s]
            then[3, s] = c[s] * stay + c[s - 1] * hit + 2.0 * first_j * a[s]
        now, then = then, now
        low, high = trimmed_band(now, low, high + 1)
    return now[0], now[1], now[2], now[3], log_scale


@numba.njit(nogil=True)
def largest_coefficient(band: Floats, s: int) -> float:
    """The size of what the four polynomials have at s; A₂ alone may be negative, or alone other than 0."""
    return float(max(band[0, s], band[1, s], abs(band[2, s]), band[3, s]))


@numba.njit(nogil=True)
def trimmed_band(band: Floats, low: int, high: int) -> tuple[int, int]:
    """The band without its negligible edges; they, and what an earlier slot left beside the band, are cleared."""
    band[:, low - 1] = 0.0
    band[:, high + 1] = 0.0
    while low < high and largest_coefficient(band, low) < NEGLIGIBLE:
        band[:, low] = 0.0
        low += 1
    while high > low and largest_coefficient(band, high) < NEGLIGIBLE:
        band[:, high] = 0.0
        high -= 1
    return low, high


@compiled
def fill_mass(p: Floats, out: Floats) -> None:
    """out[s] = P[S = s], s = 0 … n, by the same recursion for F alone; masses below 1e-300 are 0."""
    n = p.size
    now, then = np.zeros(n + 3), np.zeros(n + 3)
    now[1] = 1.0
    low, high = 1, 1
    for j in range(n):
        hit, stay = p[j], 1.0 - p[j]
        new, shifted, old = then[low : high + 2], now[low - 1 : high + 1], now[low : high + 2]
        for s in range(new.size):
            new[s] = old[s] * stay + shifted[s] * hit
        high += 1
        then[low - 1] = then[high + 1] = 0.0
        # Numbers below the normal floats would cost a hundred times the others.
        while low < high and then[low] < SMALLEST:
            then[low] = 0.0
            low += 1
        while high > low and then[high] < SMALLEST:
            then[high] = 0.0
            high -= 1
        now, then = then, now
    out[:] = 0.0
    out[low - 1 : high] = now[low : high + 1]


@numba.njit(nogil=True)
def log_tail(f: Floats, k: int, tilt: float, log_scale: float) -> float:
    """log P[S >= k], summed from far out towards the bar on the side that the tilt makes decay; f[s + 1] as above."""
    n = f.size - 3
    total = 0.0
    if tilt > 0.0 or (tilt == 0.0 and k > n):
        for s in range(n, k - 1, -1):
            total += f[s + 1] * math.exp(-tilt * (s - k))
        return min(0.0, math.log(total) + log_scale - tilt * k) if total > 0.0 else -math.inf
    for s in range(k):
        total += f[s + 1] * math.exp(-tilt * (s - k + 1))
    below = total * math.exp(log_scale - tilt * (k - 1))
    if tilt == 0.0 and below > 0.5:
        above = 0.0
        for s in range(n, k - 1, -1):
            above += f[s + 1]
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
        certain, possible = possible_counts(chances)
        tilt = exponential_tilt(chances, float(k[i]), certain, possible)
        slopes = first[row[i], : n[i]], second[row[i], : n[i]]
        f, a, b, c, log_scale = convolve(chances, slopes[0], slopes[1], tilt)
        if k[i] > possible:
            out[i, 0] = -math.inf
        elif k[i] > certain:
            out[i, 0] = log_tail(f, k[i], tilt, log_scale)
        at = k[i]  # where the coefficient of x^{k−1} is
        log_unit = log_scale - tilt * (k[i] - 1)
        if a[at] > 0.0:
            out[i, 1] = math.log(a[at]) + log_unit
        # One power of e^λ less for the coefficient below the bar's.
        out[i, 2] = (b[at] + c[at - 1] * math.exp(tilt) - c[at]) * math.exp(log_unit)
