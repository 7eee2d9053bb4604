"""Links from quality to the success chance of one impression (formulas §3.3, S4 (40), (43)).

Any object with `value`, `slope` and `curvature` of an array of q can serve as a link. A link whose values come close to
1 should also have `complement`, 1 − g(q), because 1 − `value` loses digits there. The links of this module have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from creatorpool.errors import InputError
from creatorpool.incentives.types import Curve, Floats


def complement(link: Curve, q: Floats) -> Floats:
    """1 − g(q), the chance of a failure, by the link's own `complement` if it has one."""
    own = getattr(link, "complement", None)
    return 1.0 - link.value(q) if own is None else np.asarray(own(q))[()]


@dataclass(frozen=True)
class IdentityLink:
    """Quality is the success chance: g(q) = q."""

    def value(self, q: Floats) -> Floats:
        """g(q)."""
        return q

    def complement(self, q: Floats) -> Floats:
        """1 − g(q)."""
        return 1.0 - q

    def slope(self, q: Floats) -> Floats:
        """g′(q)."""
        return np.ones_like(q)

    def curvature(self, q: Floats) -> Floats:
        """g″(q)."""
        return np.zeros_like(q)


@dataclass(frozen=True)
class LogisticLink:
    """g(q) = low + (high − low) / (1 + exp(−steepness (q − centre))), which saturates at both ends."""

    steepness: float
    centre: float = 0.5
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise InputError(f"a link needs 0 <= low < high <= 1, got low {self.low} and high {self.high}")
        if not 0 < self.steepness < np.inf:
            raise InputError(f"steepness must be finite and > 0, got {self.steepness}")

    def value(self, q: Floats) -> Floats:
        """g(q), accurate to a few units in the last place in the lower tail; `complement` is so in the upper tail."""
        return np.asarray(self.low + (self.high - self.low) * expit(self._logit(q)))[()]

    def complement(self, q: Floats) -> Floats:
        """1 − g(q)."""
        return np.asarray((1.0 - self.high) + (self.high - self.low) * expit(-self._logit(q)))[()]

    def slope(self, q: Floats) -> Floats:
        """g′(q), accurate to a few units in the last place in both tails."""
        logit = self._logit(q)
        return np.asarray((self.high - self.low) * self.steepness * expit(logit) * expit(-logit))[()]

    def curvature(self, q: Floats) -> Floats:
        """g″(q), as accurate as `slope`."""
        # 1 − 2 expit(x) = −tanh(x / 2), which has no cancelling difference.
        return -self.steepness * self.slope(q) * np.tanh(0.5 * self._logit(q))

    def _logit(self, q: Floats) -> Floats:
        return self.steepness * (q - self.centre)


@dataclass(frozen=True)
class ScaledLink:
    """A link times a factor in (0, 1], such as the remaining novelty in a slot."""

    factor: float
    link: Curve

    def __post_init__(self) -> None:
        if not 0 < self.factor <= 1:
            raise InputError(f"the factor of a link must lie in (0, 1], got {self.factor}")

    def value(self, q: Floats) -> Floats:
        """g(q)."""
        return self.factor * self.link.value(q)

    def complement(self, q: Floats) -> Floats:
        """1 − g(q)."""
        return (1.0 - self.factor) + self.factor * complement(self.link, q)

    def slope(self, q: Floats) -> Floats:
        """g′(q)."""
        return self.factor * self.link.slope(q)

    def curvature(self, q: Floats) -> Floats:
        """g″(q)."""
        return self.factor * self.link.curvature(q)


@dataclass(frozen=True)
class NoisyLink:
    """Chance of a recorded success: ``ξ + (1 − η − ξ) g(q)`` (formulas §3.3, S4 (43))."""

    link: Curve
    false_negative: float
    """η: share of successes that are not recorded"""
    false_positive: float
    """ξ: share of failures recorded as successes"""

    def __post_init__(self) -> None:
        if self.false_negative < 0 or self.false_positive < 0 or self.false_negative + self.false_positive >= 1:
            raise InputError(
                "label noise needs η >= 0, ξ >= 0 and η + ξ < 1, "
                f"got η = {self.false_negative} and ξ = {self.false_positive}"
            )

    @property
    def attenuation(self) -> float:
        """1 − η − ξ, the factor by which noise reduces each slope."""
        return 1.0 - self.false_negative - self.false_positive

    def value(self, q: Floats) -> Floats:
        """g(q)."""
        return self.false_positive + self.attenuation * self.link.value(q)

    def complement(self, q: Floats) -> Floats:
        """1 − g(q)."""
        return self.false_negative + self.attenuation * complement(self.link, q)

    def slope(self, q: Floats) -> Floats:
        """g′(q)."""
        return self.attenuation * self.link.slope(q)

    def curvature(self, q: Floats) -> Floats:
        """g″(q)."""
        return self.attenuation * self.link.curvature(q)
