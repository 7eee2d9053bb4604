"""Continuation values of another engine from sums over logged impressions (formulas §3.12, S4 C.2).

Logs of shown impressions identify two of the three weightings: each impression counts w = target/propensity, or
w · Σ1/Σw, which keeps the total exposure of all entrants at its logged value. A doubly robust value also needs the
impressions that were offered and not shown, which these logs do not have (`replay_value`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.continuation import ContinuationEstimate
from creatorpool.incentives.types import Floats

WEIGHTED, WEIGHT, SHOWN = 0, 1, 2
"""Positions of an entrant's totals: discounted weighted impressions, Σw, and impressions."""


@dataclass(frozen=True)
class SideMoments:
    """Moments of the entrants on one side of the bar."""

    entrants: int
    total: Floats
    """(3,) Σ of their totals"""
    products: Floats
    """(3, 3) Σ of the totals' products"""

    @property
    def mean(self) -> Floats:
        """(3,) means."""
        return self.total / self.entrants

    @property
    def mean_covariance(self) -> Floats:
        """(3, 3) covariance of the means."""
        spread = self.products / self.entrants - np.outer(self.mean, self.mean)
        return spread / (self.entrants - 1)


def replayed_values(failed: SideMoments, passed: SideMoments, *, normalised: bool) -> ContinuationEstimate:
    """G0 and G1 under the target engine, with linearised errors; `normalised` selects the second weighting.

    Raises
    ------
    InputError
        If a side has fewer than two entrants, or the target engine would have shown none of the impressions.
    """
    sides = (failed, passed)
    if min(side.entrants for side in sides) < 2:
        raise InputError(f"two entrants must fail and two pass, got {failed.entrants} and {passed.entrants}")
    weight, shown = (float(failed.total[at] + passed.total[at]) for at in (WEIGHT, SHOWN))
    if not weight > 0:
        raise InputError("the target engine would have shown none of the logged impressions")
    factor = shown / weight if normalised else 1.0
    values = [side.mean[WEIGHTED] * factor for side in sides]
    gradients = np.zeros((2, 2, 3))  # [b, a]: gradient of the value of side b in the means of side a
    for b, side in enumerate(sides):
        gradients[b, b, WEIGHTED] = factor
        if normalised:
            for a, other in enumerate(sides):
                per_mean = side.mean[WEIGHTED] * other.entrants / weight
                gradients[b, a, SHOWN] += per_mean
                gradients[b, a, WEIGHT] -= per_mean * factor
    spread = gradients[1] - gradients[0]
    errors = [_error(gradient, sides) for gradient in (*gradients, spread)]
    return ContinuationEstimate(float(values[0]), float(values[1]), *errors)


def _error(gradient: Floats, sides: tuple[SideMoments, SideMoments]) -> float:
    """Standard error of a quantity with this (2, 3) gradient in the means of the two sides, which are independent."""
    variance = sum(g @ side.mean_covariance @ g for g, side in zip(gradient, sides, strict=True))
    return float(np.sqrt(max(float(variance), 0.0)))
