"""Slow, independent versions of the pass models, in fifty decimal digits."""

from __future__ import annotations

from collections.abc import Iterable

import mpmath as mp

DIGITS = 50


def binomial_point(q: float, n: int, k: int) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """π, π′ and π″ from the definitions, for 1 <= k <= n and 0 < q < 1."""
    with mp.workdps(DIGITS):
        x = mp.mpf(q)
        term = mp.binomial(n, k) * x**k * (1 - x) ** (n - k)
        tail = mp.mpf(0)
        for j in range(k, n + 1):
            tail += term
            term *= mp.mpf(n - j) / (j + 1) * x / (1 - x)
        slope = x ** (k - 1) * (1 - x) ** (n - k) / mp.beta(k, n - k + 1)
        return tail, slope, slope * ((k - 1) / x - (n - k) / (1 - x))


def poisson_binomial_mass(chances: Iterable[float]) -> list[mp.mpf]:
    """P[S = s] by multiplying out the generating function."""
    with mp.workdps(DIGITS):
        mass = [mp.mpf(1)]
        for chance in map(mp.mpf, chances):
            longer = [m * (1 - chance) for m in mass] + [mp.mpf(0)]
            for s, m in enumerate(mass):
                longer[s + 1] += m * chance
            mass = longer
        return mass


def beta_binomial_tail(q: mp.mpf, size: float, n: int, k: int) -> mp.mpf:
    """P[S >= k] for a Beta(size·q, size·(1−q)) chance."""
    a, b = size * q, size * (1 - q)
    return sum(mp.binomial(n, j) * mp.beta(j + a, n - j + b) / mp.beta(a, b) for j in range(k, n + 1))
