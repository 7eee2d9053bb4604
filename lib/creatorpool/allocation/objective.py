"""The objective of a pool: shares, fairness weights, closed-form constants (formulas §2.2, §2.3, §2.4; S0 §3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from creatorpool.allocation.kernels import grid_sums
from creatorpool.allocation.policy import ObjectiveName
from creatorpool.allocation.summation import summation_grids
from creatorpool.numerics.compiled import on_slices
from creatorpool.numerics.powers import portable_power
from creatorpool.numerics.types import Floats

# Rows per batch. Intermediate arrays of this size stay in the processor's cache.
BATCH = 16_384


@dataclass(frozen=True)
class ShareTotals:
    """The totals that turn effective impressions, in any unit, into shares and weights."""

    scale: float  # power of two: x = effective impressions * scale lies in [0, 1)
    total: float  # sum of x
    weight_total: float  # sum of x**alpha


@dataclass(frozen=True)
class Objective:
    """One pool's objective: the constants of the closed form that all its videos share.

    With x = effective impressions times `scale` (a power of two that brings the largest into [0.5, 1)), a video's
    payout is ``numerator(x) / (delta + pole_slope * (anchor - x))`` inside its bounds; `payout.Price` holds the price.
    """

    name: ObjectiveName
    alpha: float
    lambda_eff: float
    pool: float  # money
    totals: ShareTotals
    fairness_factor: float  # times x**alpha
    efficiency_factor: float  # times x
    pole_slope: float

    @property
    def largest_numerator(self) -> float:
        """An upper bound of every video's numerator, money."""
        return self.fairness_factor + self.efficiency_factor

    @property
    def free_delta(self) -> float:
        """The `delta` of the price in a pool without poles and bounds: Σ numerators / pool; infinite without money."""
        numerators = self.fairness_factor * self.totals.weight_total + self.efficiency_factor * self.totals.total
        return numerators / self.pool if self.pool > 0.0 else math.inf

    @property
    def efficiency_slope(self) -> float:
        """λ_eff under the linear objective, else 0. Unlike `pole_slope` it is λ_eff without a fairness term too."""
        return self.lambda_eff if self.name == "linear" else 0.0

    @property
    def price_unit(self) -> float:
        """The multiplier ν, objective per money, of the price level 1; 0 if the pool has no weight or no money."""
        if self.totals.total == 0.0 or self.pool == 0.0:
            return 0.0
        return 1.0 / self.pool if self.name == "log" else 1.0 / (self.pool * self.totals.total)

    @property
    def is_linear_program(self) -> bool:
        """Whether the program has no logarithm: then the largest shares are filled to their caps first."""
        return self.name == "linear" and self.lambda_eff == 1.0

    def scaled(self, effective_impressions: Floats) -> Floats:
        """x of (n,) effective impressions."""
        return effective_impressions * self.totals.scale

    def numerator(self, x: Floats) -> Floats:
        """Numerators of the closed form, money, of (n,) `x`. A row's bits do not depend on the other rows."""
        if self.fairness_factor == 0.0:
            return self.efficiency_factor * x
        fairness: Floats = self.fairness_factor * power(x, self.alpha)
        return fairness if self.efficiency_factor == 0.0 else fairness + self.efficiency_factor * x

    def numerators(self, effective_impressions: Floats) -> Floats:
        """`numerator` of a whole pool's (n,) unscaled effective impressions, computed on all processors."""
        result = np.empty(effective_impressions.size)

        def fill(first: int, end: int) -> None:
            for start in range(first, end, BATCH):
                rows = slice(start, min(start + BATCH, end))
                result[rows] = self.numerator(self.scaled(effective_impressions[rows]))

        on_slices(fill, result.size)
        return result


def power(x: Floats, alpha: float) -> Floats:
    """x**alpha with the same bits on every machine. The square root is exactly rounded by IEEE 754."""
    if alpha == 1.0:
        return x
    if alpha == 0.5:
        return np.sqrt(x)
    return portable_power(x, alpha)


def share_totals(effective_impressions: Floats, alpha: float) -> ShareTotals:
    """Totals over (n,) `effective_impressions`, all finite and >= 0; the same bits in any order of the rows."""
    largest = float(effective_impressions.max())
    scale = math.ldexp(1.0, -math.frexp(largest)[1]) if largest > 0 else 1.0
    grids = summation_grids(effective_impressions.size, 1.0)

    def part(first: int, end: int) -> Floats:
        pieces = np.zeros((2, 3))
        for start in range(first, end, BATCH):
            x = effective_impressions[start : min(start + BATCH, end)] * scale
            pieces[0] += grid_sums(x, grids)
            pieces[1] += grid_sums(power(x, alpha), grids)
        return pieces

    total, weights = sum(on_slices(part, effective_impressions.size), np.zeros((2, 3)))
    return ShareTotals(scale, float(total[0] + total[1] + total[2]), float(weights[0] + weights[1] + weights[2]))


def pool_objective(
    totals: ShareTotals, pool: float, *, alpha: float, lambda_eff: float, name: ObjectiveName
) -> Objective:
    """The objective of a pool with `pool` money whose videos have these totals."""
    lambda_fair = 1.0 - lambda_eff
    fairness = efficiency = slope = 0.0
    if totals.total > 0 and name == "linear":
        fairness = pool * lambda_fair * power(np.array([totals.total]), 1.0 - alpha).item()
        slope = lambda_eff if lambda_fair > 0 else 0.0
    elif totals.total > 0:
        fairness = pool * (lambda_fair / totals.weight_total)
        efficiency = pool * (lambda_eff / totals.total)
    return Objective(name, alpha, lambda_eff, pool, totals, fairness, efficiency, slope)
