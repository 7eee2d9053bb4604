"""Normal approximation of the count with a continuity correction (formulas §3.3, S4 (45), (46))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from creatorpool.errors import InputError
from creatorpool.incentives.pass_model import PassModel, PassPoint
from creatorpool.incentives.slots import Slots
from creatorpool.incentives.types import Floats, Integers

# Below this variance every chance is almost 0 or 1 and the mean almost a whole number, half a count from any k − ½: the
# density underflows to 0 and the derivatives of z overflow.
MIN_VARIANCE = 1e-30


@dataclass(frozen=True)
class NormalApproximation(PassModel):
    """``π ≈ 1 − Φ(z)`` with ``z = (k − ½ − μ)/σ`` over the first n slots; for planning with moderate or large n."""

    slots: Slots

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″ of the approximation."""
        quality, window, bar = np.broadcast_arrays(q, n, k)
        moments = self._moments(quality.reshape(-1), window.reshape(-1))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            point = _point(*moments, bar.reshape(-1) - 0.5)
        certain = moments[1] < MIN_VARIANCE
        sure = (moments[0] > bar.reshape(-1) - 0.5).astype(np.float64)
        flat = (np.where(certain, 0.0 if i else sure, part) for i, part in enumerate(point))
        return PassPoint(*(part.reshape(quality.shape)[()] for part in flat))

    def _moments(self, q: Floats, n: Integers) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """μ and σ² of the first n slots, then their first and their second derivatives in q; all (m,)."""
        if (n > self.slots.count).any():
            raise InputError(f"n must not exceed the number of slots, {self.slots.count}, got {n.max()}")
        used = np.arange(self.slots.count) < n[:, None]
        p, p1, p2 = (np.where(used, part, 0.0) for part in self.slots.chances(q))
        variance, variance1 = p * (1 - p), p1 * (1 - 2 * p)
        variance2 = p2 * (1 - 2 * p) - 2 * p1**2
        mean, mean1, mean2, v, v1, v2 = (part.sum(axis=-1) for part in (p, p1, p2, variance, variance1, variance2))
        return mean, v, mean1, v1, mean2, v2


def _point(
    mean: Floats, v: Floats, mean1: Floats, v1: Floats, mean2: Floats, v2: Floats, bar: Floats
) -> tuple[Floats, Floats, Floats]:
    sigma = np.sqrt(v)
    sigma1 = v1 / (2 * sigma)
    sigma2 = v2 / (2 * sigma) - sigma1**2 / sigma
    z = (bar - mean) / sigma
    # The first and second derivative of σz = k − ½ − μ.
    z1 = -(mean1 + z * sigma1) / sigma
    z2 = -(mean2 + 2 * sigma1 * z1 + z * sigma2) / sigma
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return ndtr(-z), -density * z1, density * (z * z1**2 - z2)
