"""Pass models: π, π′ and π″ as functions of arrays of (q, n, k) (formulas §3.3, S4 App. B)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives import binomial
from creatorpool.incentives.arguments import checked_test
from creatorpool.incentives.links import IdentityLink, NoisyLink, complement
from creatorpool.incentives.types import Curve, Floats, Integers


class PassPoint(NamedTuple):
    """Values of a pass curve at one quality or an array of qualities."""

    probability: Floats
    """π"""
    slope: Floats
    """π′"""
    curvature: Floats
    """π″"""


class PassModel(ABC):
    """π(q; n, k) and its derivatives. π must not fall in q: the certificates of best responses assume it."""

    def pass_probability(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """π, of the shape that q, n and k broadcast to; arguments and errors as in `incentives.pass_probability`."""
        return self.evaluate(*checked_test(q, n, k)).probability

    def pass_slope(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """π′; otherwise as `pass_probability`."""
        return self.evaluate(*checked_test(q, n, k)).slope

    def pass_curvature(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """π″; otherwise as `pass_probability`."""
        return self.evaluate(*checked_test(q, n, k)).curvature

    def log_pass_probability(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π, −inf where π = 0; models with a logarithmic form keep it finite even if π underflows."""
        with np.errstate(divide="ignore"):
            return np.log(self.pass_probability(q, n, k))

    def log_pass_slope(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π′; otherwise as `log_pass_probability`."""
        with np.errstate(divide="ignore"):
            return np.log(self.pass_slope(q, n, k))

    @abstractmethod
    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″ for checked arguments."""

    def probability(self, q: Floats, n: Integers, k: Integers) -> Floats:
        """π alone for checked arguments; a model overrides it if it can save the derivatives."""
        return self.evaluate(q, n, k).probability

    def largest_bar(self, n: Integers) -> Integers:
        """Largest meaningful k for a window of n."""
        return n

    def inflexion(self, n: Integers, k: Integers) -> Floats | None:
        """The q below which π is convex and above which π is concave, or None if the model does not know one.

        It only speeds up the proof of a best response.
        """
        return None


@dataclass(frozen=True)
class LinkModel(PassModel):
    """Binomial count with success chance g(q): ``π = I_g(k, n−k+1)``, ``π′ = g′ · density`` (S4 (40))."""

    link: Curve = field(default_factory=IdentityLink)

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π, π′ and π″ by the chain rule."""
        chance, first, second = self._chance(q), self.link.slope(q), self.link.curvature(q)
        density = np.exp(binomial.log_density(chance, n, k))
        curvature = first**2 * binomial.curvature(chance, n, k, density) + second * density
        return PassPoint(np.exp(binomial.log_tail(chance, n, k)), first * density, curvature)

    def probability(self, q: Floats, n: Integers, k: Integers) -> Floats:
        """π alone."""
        return np.exp(binomial.log_tail(self._chance(q), n, k))

    def log_pass_probability(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π, finite even if π underflows."""
        quality, window, bar = checked_test(q, n, k)
        return binomial.log_tail(self._chance(quality), window, bar)

    def log_pass_slope(self, q: ArrayLike, n: ArrayLike, k: ArrayLike) -> Floats:
        """log π′, finite even if π′ underflows."""
        quality, window, bar = checked_test(q, n, k)
        with np.errstate(divide="ignore"):
            steepness = np.log(self.link.slope(quality))
        return steepness + binomial.log_density(self._chance(quality), window, bar)

    def _chance(self, q: Floats) -> binomial.Chance:
        return binomial.Chance(self.link.value(q), complement(self.link, q))


@dataclass(frozen=True)
class BinomialModel(LinkModel):
    """The binomial test in which quality is the success chance (S4 (2), (3))."""

    link: Curve = field(default_factory=IdentityLink, init=False)

    def inflexion(self, n: Integers, k: Integers) -> Floats | None:
        """The mode of π′; with n = 1, π is linear."""
        return np.asarray((k - 1.0) / np.maximum(n - 1.0, 1.0))


def noisy_labels(false_negative: float, false_positive: float, link: Curve | None = None) -> LinkModel:
    """Binomial test on labels with rates η of false negatives and ξ of false positives (formulas §3.3, S4 (43)).

    For the same noise in another model, wrap its link in a `NoisyLink`.
    """
    return LinkModel(NoisyLink(IdentityLink() if link is None else link, false_negative, false_positive))


@dataclass(frozen=True)
class ManipulatedModel(PassModel):
    """Creators fake a pass with probability ε: ``π̃ = (1−ε)π + ε``, ``π̃′ = (1−ε)π′`` (formulas §3.3, S4 §5.3)."""

    base: PassModel
    rate: float
    """ε in [0, 1)"""

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise InputError(f"the manipulation rate ε must lie in [0, 1), got {self.rate}")

    def evaluate(self, q: Floats, n: Integers, k: Integers) -> PassPoint:
        """π̃, π̃′ and π̃″."""
        honest = 1.0 - self.rate
        probability, slope, curvature = self.base.evaluate(q, n, k)
        return PassPoint(honest * probability + self.rate, honest * slope, honest * curvature)

    def probability(self, q: Floats, n: Integers, k: Integers) -> Floats:
        """π̃ alone."""
        return (1.0 - self.rate) * self.base.probability(q, n, k) + self.rate

    def largest_bar(self, n: Integers) -> Integers:
        """As in the base model."""
        return self.base.largest_bar(n)
