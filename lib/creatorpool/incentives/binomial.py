"""The binomial test: pass iff n impressions bring at least k successes (formulas §3.2, S4 (2), (3), (28))."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.incentives.arguments import checked_test
from creatorpool.incentives.binomial_kernels import fill_log_density, fill_log_tail
from creatorpool.incentives.types import Floats, Integers
from creatorpool.numerics.compiled import on_slices

Kernel = Callable[[Floats, Floats, Integers, Integers, int, int, Floats], None]


class Chance(NamedTuple):
    """The chance of a success and that of a failure, which sum to 1: near 1 the first has no digits of the second."""

    success: Floats
    failure: Floats


def pass_probability(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
    """Pass probability ``π(q) = P[Bin(n, q) >= k] = I_q(k, n − k + 1)`` (formulas §3.2, S4 (2)).

    Parameters
    ----------
    q : array_like of float
        Quality: the chance that an impression succeeds, in [0, 1].
    n : array_like of int
        Test impressions, >= 1; broadcasts with `q`.
    k : array_like of int
        The bar: successes needed, >= 0. A bar above `n` is never passed.

    Returns
    -------
    float64 array
        Of the shape that the arguments broadcast to, or a scalar; within 1e-12 relative while it exceeds 1e-300.

    Raises
    ------
    InputError
        If an argument is out of range or the shapes do not broadcast.
    """
    return np.exp(log_pass_probability(q, n, k))


def pass_slope(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
    """Slope ``π′(q) = q^(k−1) (1−q)^(n−k) / B(k, n−k+1)``: a Beta density with its mode at (k−1)/(n−1).

    Arguments, accuracy and errors as `pass_probability`; formulas §3.2, S4 (3), (28).
    """
    return np.exp(log_pass_slope(q, n, k))


def pass_curvature(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
    """Curvature ``π″(q) = π′(q) [(k−1)/q − (n−k)/(1−q)]``; arguments and errors as `pass_probability`.

    It changes sign at the mode (k−1)/(n−1) and holds its relative accuracy away from there while π′ exceeds 1e-300.
    """
    quality, window, bar = checked_test(q, n, k)
    chance = chance_of(quality)
    return curvature(chance, window, bar, np.exp(log_density(chance, window, bar)))[()]


def log_pass_probability(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
    """log π(q), finite where π itself is too small for a float; −inf where π = 0. Else as `pass_probability`."""
    quality, window, bar = checked_test(q, n, k)
    return log_tail(chance_of(quality), window, bar)


def log_pass_slope(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
    """log π′(q), −inf where π′ = 0. Else as `pass_probability`."""
    quality, window, bar = checked_test(q, n, k)
    return log_density(chance_of(quality), window, bar)


def chance_of(success: Floats) -> Chance:
    """A success chance known as one float: the failure chance is what it leaves."""
    return Chance(success, 1.0 - success)


def log_tail(chance: Chance, n: Integers, k: Integers) -> Floats:
    """`log_pass_probability` of arguments already checked."""
    return _elementwise(fill_log_tail, chance, n, k)


def log_density(chance: Chance, n: Integers, k: Integers) -> Floats:
    """`log_pass_slope` of arguments already checked."""
    return _elementwise(fill_log_density, chance, n, k)


def curvature(chance: Chance, n: Integers, k: Integers, slope: Floats) -> Floats:
    """π″ from π′, for arguments already checked."""
    q, failure = chance
    spread = q * failure
    inside = spread > 0
    # One fraction in place of two, whose difference would cancel near the mode. Neither product is rounded relative to
    # the other, so that digits stay as q → 1: at k = n the fraction is (n − 1)/q.
    within = slope * ((k - 1) * failure - (n - k) * q) / np.where(inside, spread, 1.0)
    return within if inside.all() else np.where(inside, within, _curvature_at_end(q, n, k))


def _elementwise(kernel: Kernel, chance: Chance, n: Integers, k: Integers) -> Floats:
    arrays = np.broadcast_arrays(chance.success, chance.failure, n, k)
    success, failure, window, bar = (np.ascontiguousarray(array).reshape(-1) for array in arrays)
    out = np.empty(success.size)
    on_slices(lambda first, end: kernel(success, failure, window, bar, first, end, out), success.size)
    return out.reshape(arrays[0].shape)[()]


def _curvature_at_end(q: Floats, n: Integers, k: Integers) -> Floats:
    """π″ at q = 0 and q = 1: n(n−1) times a difference of masses that are 0 or 1 there."""
    pairs = np.where((k >= 1) & (k <= n), n * (n - 1.0), 0.0)
    at_zero = np.where(k == 2, pairs, np.where(k == 1, -pairs, 0.0))
    at_one = np.where(k == n, pairs, np.where(k == n - 1, -pairs, 0.0))
    return np.where(q == 0, at_zero, at_one)
