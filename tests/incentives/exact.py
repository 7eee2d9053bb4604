"""Slow, independent versions of the pass models, with fifty decimal digits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import mpmath as mp

from creatorpool.incentives import LogisticLink

DIGITS = 50


def binomial_point(q: float | mp.mpf, n: int, k: int, failure: mp.mpf | None = None) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """π, π′ and π″ from the definitions, for 1 <= k <= n and 0 < q < 1; `failure` is 1 − q with all digits."""
    with mp.workdps(DIGITS):
        x = mp.mpf(q)
        y = 1 - x if failure is None else failure
        term = mp.binomial(n, k) * x**k * y ** (n - k)
        tail = mp.mpf(0)
        for j in range(k, n + 1):
            tail += term
            term *= mp.mpf(n - j) / (j + 1) * x / y
        slope = x ** (k - 1) * y ** (n - k) / mp.beta(k, n - k + 1)
        return tail, slope, slope * ((k - 1) / x - (n - k) / y)


def curvature_scale(q: float | mp.mpf, n: int, k: int, slope: mp.mpf, failure: mp.mpf | None = None) -> mp.mpf:
    """The sum of the sizes of the two terms of π″, which cancel at its sign change."""
    y = 1 - mp.mpf(q) if failure is None else failure
    return slope * ((k - 1) / mp.mpf(q) + (n - k) / y)


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


def poisson_binomial_point(p: Iterable[float], first: Iterable[float], second: Iterable[float], k: int) -> ScaledPoint:
    """π, π′ and π″ of slots with chances p and derivatives p′ and p″, from masses differentiated slot by slot."""
    with mp.workdps(DIGITS):
        f, d, e = [mp.mpf(1)], [mp.mpf(0)], [mp.mpf(0)]
        for chance, slope, curvature in zip(
            *(map(mp.mpf, map(float, part)) for part in (p, first, second)), strict=True
        ):
            f0, d0, e0 = ([*part, mp.mpf(0)] for part in (f, d, e))
            f1, d1, e1 = ([mp.mpf(0), *part] for part in (f, d, e))
            s = range(len(f0))
            f = [f0[i] * (1 - chance) + f1[i] * chance for i in s]
            d = [d0[i] * (1 - chance) + d1[i] * chance + (f1[i] - f0[i]) * slope for i in s]
            e = [
                e0[i] * (1 - chance) + e1[i] * chance + 2 * (d1[i] - d0[i]) * slope + (f1[i] - f0[i]) * curvature
                for i in s
            ]
        return ScaledPoint(mp.fsum(f[k:]), mp.fsum(d[k:]), mp.fsum(e[k:]), mp.fsum(map(abs, e[k:])))


class ScaledPoint(NamedTuple):
    """A pass curve at one quality, and the sum of the sizes of the terms of π″."""

    tail: mp.mpf
    slope: mp.mpf
    curvature: mp.mpf
    scale: mp.mpf


def beta_binomial_point(q: float, size: float, n: int, k: int) -> ScaledPoint:
    """π, π′ and π″ for a Beta(size·q, size·(1−q)) chance: sums over the smaller side, mass by mass."""
    with mp.workdps(DIGITS):
        mean, size = mp.mpf(q), mp.mpf(size)
        a, b = size * mean, size * (1 - mean)
        is_upper = k > n * q
        start, stop = (k, n + 1) if is_upper else (0, k)
        mass = mp.binomial(n, start) * mp.rf(a, start) * mp.rf(b, n - start) / mp.rf(size, n)
        ups, downs = [size / (a + i) for i in range(n)], [size / (b + i) for i in range(n)]
        score = mp.fsum(ups[:start]) - mp.fsum(downs[: n - start])
        squares = mp.fsum(x**2 for x in ups[:start] + downs[: n - start])
        sums = [mp.mpf(0)] * 4
        for j in range(start, stop):
            curvature = score**2 - squares
            sums = [
                total + mass * part for total, part in zip(sums, (1, score, curvature, abs(curvature)), strict=True)
            ]
            if j < n:
                up, down = ups[j], downs[n - j - 1]
                mass *= mp.mpf(n - j) / (j + 1) * down / up
                score, squares = score + up + down, squares + up**2 - down**2
        if is_upper:
            return ScaledPoint(*sums)
        return ScaledPoint(1 - sums[0], -sums[1], -sums[2], sums[3])


def logistic_point(q: float, link: LogisticLink) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf]:
    """g, 1 − g, g′ and g″ of a logistic link."""
    with mp.workdps(DIGITS):
        low, high, steepness = mp.mpf(link.low), mp.mpf(link.high), mp.mpf(link.steepness)
        power = mp.exp(-steepness * (mp.mpf(q) - mp.mpf(link.centre)))
        up, down = 1 / (1 + power), power / (1 + power)
        slope = (high - low) * steepness * up * down
        return low + (high - low) * up, 1 - high + (high - low) * down, slope, slope * steepness * (down - up)
