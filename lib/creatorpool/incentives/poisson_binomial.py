"""Tests whose slots have different success chances: the count is Poisson-binomial (formulas §3.3, S4 (41), (44))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers, checked_test
from creatorpool.incentives.pass_model import PassModel, PassPoint
from creatorpool.incentives.poisson_binomial_kernels import fill_mass, fill_pass_points
from creatorpool.incentives.slots import Slots
from creatorpool.incentives.types import Floats, Integers


@dataclass(frozen=True)
class PoissonBinomialModel(PassModel):
    """Independent slots with success chances p_j(q); a window of n uses the first n slots.

    ``π′ = Σ_j p_j′ P[S_{−j} = k − 1]`` (S4 (41)). Exact; the time per point is mostly O(n^1.5), at most O(n²).
    """

    slots: Slots

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″."""
        points = self._points(q, n, k)
        return PassPoint(np.exp(points[..., 0])[()], np.exp(points[..., 1])[()], points[..., 2][()])

    def log_pass_probability(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π, finite even if π underflows."""
        return self._points(*checked_test(q, n, k))[..., 0][()]

    def log_pass_slope(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π′, finite even if π′ underflows."""
        return self._points(*checked_test(q, n, k))[..., 1][()]

    def _points(self, q: Floats, n: Integers, k: Integers) -> Floats:
        if (n > self.slots.count).any():
            raise InputError(f"n must not exceed the number of slots, {self.slots.count}, got {n.max()}")
        distinct, row = np.unique(q, return_inverse=True)
        rows, window, bar = np.broadcast_arrays(row.reshape(q.shape), n, k)
        out = np.empty((rows.size, 3))
        chances = self.slots.chances(distinct)
        p, first, second = (np.ascontiguousarray(part) for part in chances)
        which, size, count = (np.ascontiguousarray(array).reshape(-1) for array in (rows, window, bar))
        fill_pass_points(p, first, second, which, size, count, out)
        return out.reshape(*rows.shape, 3)


def poisson_binomial_pmf(p: ArrayLike) -> Floats:
    """(n + 1,) masses P[S = s] of the number S of successes of independent trials with (n,) chances p.

    Masses below 1e-300 are 0.

    Raises
    ------
    InputError
        If p is empty, not one-dimensional, or holds a number outside [0, 1].
    """
    chances = np.ascontiguousarray(checked_numbers("p", p, 0.0, 1.0))
    if chances.ndim != 1 or chances.size == 0:
        raise InputError(f"p must hold one chance per slot, got shape {chances.shape}")
    mass = np.empty(chances.size + 1)
    fill_mass(chances, mass)
    return mass
