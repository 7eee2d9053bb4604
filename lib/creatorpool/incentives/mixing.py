"""Pass models with latent mixing: success chances of entrants of equal quality differ (formulas §3.3, S4 (42))."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives import binomial
from creatorpool.incentives.arguments import checked_numbers, checked_test
from creatorpool.incentives.beta_binomial_kernels import fill_pass_points
from creatorpool.incentives.links import IdentityLink, complement
from creatorpool.incentives.pass_model import PassModel, PassPoint
from creatorpool.incentives.types import Curve, Floats, Integers

# Lower limit of a chance, so that a concentration over a chance stays below the largest float.
MIN_CHANCE = 1e-280


@dataclass(frozen=True)
class BetaBinomialModel(PassModel):
    """θ ~ Beta(gφ, (1−g)φ) with g = link(q), which makes counts over-dispersed; φ → ∞ is the binomial test."""

    concentration: float
    """φ > 0"""
    link: Curve = field(default_factory=IdentityLink)

    def __post_init__(self) -> None:
        if not 0 < self.concentration < np.inf:
            raise InputError(f"the concentration φ must be finite and > 0, got {self.concentration}")

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″."""
        points = self._in_mean(q, n, k)
        slope, curvature = np.exp(points[..., 1]), points[..., 2]
        first, second = self.link.slope(q), self.link.curvature(q)
        return PassPoint(
            np.exp(points[..., 0])[()],
            np.asarray(first * slope)[()],
            np.asarray(first**2 * curvature + second * slope)[()],
        )

    def log_pass_probability(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π, finite even if π underflows."""
        return self._in_mean(*checked_test(q, n, k))[..., 0][()]

    def log_pass_slope(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π′, finite even if π′ underflows."""
        quality, window, bar = checked_test(q, n, k)
        with np.errstate(divide="ignore"):
            steepness = np.log(self.link.slope(quality))
        return np.asarray(steepness + self._in_mean(quality, window, bar)[..., 1])[()]

    def _in_mean(self, q: Floats, n: Integers, k: Integers) -> Floats:
        # At chances 0 and 1 the Beta distribution degenerates; chances just inside give its limits.
        chances = np.maximum(self.link.value(q), MIN_CHANCE), np.maximum(complement(self.link, q), MIN_CHANCE)
        successes, failures, window, bar = np.broadcast_arrays(*chances, n, k)
        out = np.empty((successes.size, 3))
        success, failure, size, count = (
            np.ascontiguousarray(array).reshape(-1) for array in (successes, failures, window, bar)
        )
        fill_pass_points(self.concentration, success, failure, size, count, out)
        return out.reshape(*successes.shape, 3)


class LatentMap(Protocol):
    """θ(q, z), the success chance of an entrant of quality q and latent type z, increasing in q."""

    def value(self, q: Floats, z: Floats) -> Floats:
        """θ in [0, 1]."""
        ...

    def slope(self, q: Floats, z: Floats) -> Floats:
        """∂θ/∂q."""
        ...

    def curvature(self, q: Floats, z: Floats) -> Floats:
        """∂²θ/∂q²."""
        ...


@dataclass(frozen=True)
class LogitShift:
    """logit θ = logit q + σz: a type z multiplies the odds of a success by e^{σz}."""

    scale: float
    """σ"""

    def value(self, q: Floats, z: Floats) -> Floats:
        """θ = q e^{σz} / (1 − q + q e^{σz})."""
        factor = np.exp(self.scale * z)
        return q * factor / (1.0 - q + q * factor)

    def slope(self, q: Floats, z: Floats) -> Floats:
        """∂θ/∂q."""
        factor = np.exp(self.scale * z)
        return factor / (1.0 - q + q * factor) ** 2

    def curvature(self, q: Floats, z: Floats) -> Floats:
        """∂²θ/∂q²."""
        factor = np.exp(self.scale * z)
        return -2.0 * factor * (factor - 1.0) / (1.0 - q + q * factor) ** 3


@dataclass(frozen=True)
class LatentMixingModel(PassModel):
    """``π = E_z[I_θ(k, n−k+1)]``, ``π′ = E_z[∂θ/∂q · density]`` by a quadrature over the types z (S4 (42))."""

    latent: LatentMap
    nodes: Floats
    """(m,) types"""
    weights: Floats
    """(m,) their probabilities, in [0, 1], with sum 1"""

    def __post_init__(self) -> None:
        nodes, weights = checked_numbers("nodes", self.nodes), checked_numbers("weights", self.weights, 0.0, 1.0)
        if nodes.ndim != 1 or nodes.shape != weights.shape or nodes.size == 0:
            raise InputError(f"nodes and weights must have one shape (m,), got {nodes.shape} and {weights.shape}")
        if abs(weights.sum() - 1.0) > 1e-9:
            raise InputError(f"the weights of the types must sum to 1, got {weights.sum()}")
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "weights", weights)

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″."""
        quality, window, bar = q[..., None], n[..., None], k[..., None]
        first = self.latent.slope(quality, self.nodes)
        chance = binomial.chance_of(np.clip(self.latent.value(quality, self.nodes), 0.0, 1.0))
        density = np.exp(binomial.log_density(chance, window, bar))
        curvature = first**2 * binomial.curvature(chance, window, bar, density)
        curvature = curvature + self.latent.curvature(quality, self.nodes) * density
        tail = np.exp(binomial.log_tail(chance, window, bar))
        return PassPoint(tail @ self.weights, (first * density) @ self.weights, curvature @ self.weights)


def logit_normal_mixing(scale: float, points: int = 48) -> LatentMixingModel:
    """Mixing by normal types on the logit scale with standard deviation `scale`, by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return LatentMixingModel(LogitShift(scale), nodes, weights / weights.sum())
