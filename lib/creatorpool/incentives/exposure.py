"""Delivered mass and exposure after the test, by cell of a cohort, and what a bootstrap over entrants makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.types import Floats, Integers


@dataclass(frozen=True)
class CellTotals:
    """A quantity of some of a cohort's entrants, by proxy bin and number of successes: (b, n + 1) arrays."""

    entrants: Integers
    """entrants of whom it is known"""
    total: Floats
    """its sum over them"""
    squares: Floats
    """the sum of its squares"""

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
    """What a cohort's entrants were shown, discounted to entry."""

    mass: CellTotals
    """N: of the test, known of every entrant"""
    after: CellTotals
    """after the test, known of the entrants who were followed over the whole horizon"""


class ExposureTerms(NamedTuple):
    """(r,) arrays, one a replicate."""

    mass: Floats
    g0: Floats
    g1: Floats

    @property
    def spread(self) -> Floats:
        """ΔG = G1 − G0."""
        return self.g1 - self.g0


def measured_terms(exposure: CohortExposure, k: int) -> ExposureTerms:
    """N, G0 and G1 of the cohort as it is, (1,) each; NaN on a side of the bar where nobody was followed."""
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
        Of the cohort.
    everyone, followed : (r, b, n + 1) integer arrays
        Redrawn entrants by cell: all of them, and those of the followed.
    k : int
        The bar.
    rng : numpy.random.Generator
        For what varies within cells.

    Notes
    -----
    Means move with the cells' redrawn counts; within a cell the sum over m redrawn entrants is normal with m times the
    cell's mean and variance, to which the sum over resampled entrants tends.
    """
    mass = _mean(exposure.mass, everyone, slice(None), rng)
    sides = [_mean(exposure.after, followed, side, rng) for side in (slice(0, k), slice(k, None))]
    return ExposureTerms(mass, *sides)


def _mean(cells: CellTotals, drawn: Integers, side: slice, rng: np.random.Generator | None) -> Floats:
    """(r,) means over the successes `side`, with the noise within cells where `rng` is given."""
    counts = drawn[..., side].astype(np.float64)
    size = counts.sum(axis=(1, 2))
    total = (counts * cells.mean[:, side]).sum(axis=(1, 2))
    if rng is not None:
        total += np.sqrt((counts * cells.variance[:, side]).sum(axis=(1, 2))) * rng.standard_normal(size.size)
    return np.where(size > 0, np.maximum(total, 0.0) / np.maximum(size, 1.0), np.nan)
