"""Measures of the concentration of payouts, for the ledger and the report (formulas §2.8)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def gini(amounts: ArrayLike) -> float:
    """Gini coefficient of (n,) amounts >= 0: 0 if all are equal, near 1 if one holds everything, NaN if all are 0.

    Σ_i (2i − n − 1) x_(i) / (n Σ x) over the ascending amounts, i from 1.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    total = math.fsum(x)
    if total == 0:
        return math.nan
    ranks = 2.0 * np.arange(1, x.size + 1) - x.size - 1
    return max(0.0, float(np.dot(ranks, x) / (x.size * total)))  # rounding can make it slightly negative


def top_share(amounts: ArrayLike, part: float = 0.01) -> float:
    """Share of the total in the largest `part` of (n,) amounts (at least one amount); NaN if all are 0."""
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    total = math.fsum(x)
    if total == 0:
        return math.nan
    return math.fsum(x[-max(1, math.ceil(part * x.size)) :]) / total
