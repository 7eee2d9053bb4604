"""Costs of quality to a creator: convex functions of q in [0, 1] (formulas §3.1).

Any object with `value`, `slope` and `curvature` of an array of q can serve as a cost. It must be convex: the
certificates of best responses assume it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.types import Floats


@dataclass(frozen=True)
class QuadraticCost:
    """``c(q) = κ q² / 2``."""

    kappa: float

    def __post_init__(self) -> None:
        if not 0 < self.kappa < np.inf:
            raise InputError(f"kappa must be finite and > 0, got {self.kappa}")

    def value(self, q: Floats) -> Floats:
        """c(q)."""
        return 0.5 * self.kappa * q * q

    def slope(self, q: Floats) -> Floats:
        """c′(q)."""
        return self.kappa * q

    def curvature(self, q: Floats) -> Floats:
        """c″(q)."""
        return np.full_like(q, self.kappa)


@dataclass(frozen=True)
class PowerCost:
    """``c(q) = scale · q^exponent`` with exponent >= 2, which keeps the curvature finite at q = 0."""

    scale: float
    exponent: float

    def __post_init__(self) -> None:
        if not 0 < self.scale < np.inf:
            raise InputError(f"scale must be finite and > 0, got {self.scale}")
        if not 2 <= self.exponent < np.inf:
            raise InputError(f"exponent must be finite and >= 2, got {self.exponent}")

    def value(self, q: Floats) -> Floats:
        """c(q)."""
        return self.scale * q**self.exponent

    def slope(self, q: Floats) -> Floats:
        """c′(q)."""
        return self.scale * self.exponent * q ** (self.exponent - 1.0)

    def curvature(self, q: Floats) -> Floats:
        """c″(q)."""
        return self.scale * self.exponent * (self.exponent - 1.0) * q ** (self.exponent - 2.0)
