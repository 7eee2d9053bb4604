"""Delivered mass and exposure after the test, by cell of a cohort, and their bootstrap (formulas §3.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.types import Floats, Integers


@dataclass(frozen=True)
class CellTotals:
    """Sums of a quantity over entrants, by proxy bin and number of successes: (b, n + 1) arrays."""

    entrants: Integers
    """entrants whose quantity is known"""
    total: Floats
    """sum over them"""
    squares: Floats
    """sum of squares over them"""

    def __post_init__(self) -> None:
        if not self.entrants.shape == self.total.shape == self.squares.shape or self.entrants.ndim != 2:
            raise InputError(
                f"cell totals must have one shape (b, n + 1), got {self.entrants.shape}, {self.total.shape} and "
                f"{self.squares.shape}"
            )

    @property
    def mean(self) -> Floats:
        """(b, n + 1) mean in each cell, 0 in empty ones."""
        return self.total / np.maximum(self.entrants, 1)

    @property
    def variance(self) -> Floats:
        """(b, n + 1) variance within each cell, over its entrants."""
        return np.maximum(self.squares / np.maximum(self.entrants, 1) - self.mean**2, 0.0)


@dataclass(frozen=True)
class CohortExposure:
    """Impressions that a cohort's entrants got, discounted to entry."""

    mass: CellTotals
    """N: in the test, known for every entrant"""
    after: CellTotals
    """after the test, known for the entrants who were followed over the whole horizon"""


class ExposureTerms(NamedTuple):
    """N, G0 and G1 of r replicates, (r,) arrays."""

    mass: Floats
    g0: Floats
    g1: Floats

    @property
    def spread(self) -> Floats:
        """ΔG = G1 − G0."""
        return self.g1 - self.g0


def measured_terms(exposure: CohortExposure, k: int) -> ExposureTerms:
    """N, G0 and G1 of the data, (1,) each; NaN on a side of the bar on which no entrant was followed."""
    after = exposure.after
    sides = [_mean(after, after.entrants[None], side, None) for side in (slice(0, k), slice(k, None))]
    return ExposureTerms(_mean(exposure.mass, exposure.mass.entrants[None], slice(None), None), *sides)


def redrawn_terms(
    exposure: CohortExposure, everyone: Integers, followed: Integers, k: int, rng: np.random.Generator
) -> ExposureTerms:
    """N, G0 and G1 of redrawn cohorts.

    Parameters
    ----------
    exposure : CohortExposure
        Exposure of the cohort.
    everyone, followed : (r, b, n + 1) integer arrays
        Redrawn entrants by cell: all, and the followed ones.
    k : int
        The bar.
    rng : numpy.random.Generator
        Random numbers for the variation within cells.

    Notes
    -----
    Means follow the redrawn counts of the cells. Within a cell, the sum over m redrawn entrants is normal with m times
    the cell's mean and variance: the limit of the sum over resampled entrants.
    """
    mass = _mean(exposure.mass, everyone, slice(None), rng)
    sides = [_mean(exposure.after, followed, side, rng) for side in (slice(0, k), slice(k, None))]
    return ExposureTerms(mass, *sides)


def _mean(cells: CellTotals, drawn: Integers, side: slice, rng: np.random.Generator | None) -> Floats:
    """(r,) means over the numbers of successes in `side`, with noise within cells if `rng` is given."""
    counts = drawn[..., side].astype(np.float64)
    size = counts.sum(axis=(1, 2))
    total = (counts * cells.mean[:, side]).sum(axis=(1, 2))
    if rng is not None:
        total += np.sqrt((counts * cells.variance[:, side]).sum(axis=(1, 2))) * rng.standard_normal(size.size)
    return np.where(size > 0, np.maximum(total, 0.0) / np.maximum(size, 1.0), np.nan)
