"""Engagement diversity, and the geometric mean of the components (formulas §1.2, §1.3; S0 §4).

The bits of a row's result depend on that row only, in any batch of rows: there is no sum over rows, sums over columns
run in a fixed order, and logarithms come from `numerics.elementary`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.numerics.elementary import exp, log
from creatorpool.numerics.types import Floats

SUM_TOLERANCE = 1e-9
"""Largest difference from 1 of the sum of weights, which are written as decimals."""


def geometric_quality(components: ArrayLike, weights: ArrayLike, compliant: ArrayLike) -> Floats:
    """Quality ``Q = C · min(1, Π component ** weight)`` of each video (formulas §1.3, S0 §4).

    Parameters
    ----------
    components : (n, k) array_like
        Components of n videos, each in [0, 1]: watch completion, engagement, diversity, rewatch, safety, and any more.
    weights : (k,) array_like
        Exponents φ >= 0 that sum to 1. A component with exponent 0 has no effect, even if it is 0 (0⁰ = 1).
    compliant : (n,) array_like of bool
        The compliance gate C: a video that fails it has quality 0.

    Returns
    -------
    (n,) float64 array
        Quality in [0, 1].

    Raises
    ------
    InputError
        If shapes do not fit, a component is not within [0, 1], or the weights do not sum to 1.
    """
    return gated(geometric_mean(components, weights), compliant)


def geometric_mean(components: ArrayLike, weights: ArrayLike) -> Floats:
    """(n,) raw scores ``q = Π component ** weight``, without clamp and gate; arguments as `geometric_quality`."""
    values, exponents = _checked(components, weights)
    logarithm = np.zeros(values.shape[0])
    for k in np.flatnonzero(exponents > 0):
        logarithm = logarithm + exponents[k] * log(values[:, k])
    return exp(logarithm)


def gated(raw: Floats, compliant: ArrayLike) -> Floats:
    """(n,) quality ``Q = C · min(1, q)`` from (n,) raw scores; `compliant` and errors as `geometric_quality`."""
    gate = np.asarray(compliant, dtype=np.bool_)
    if gate.shape != raw.shape:
        raise InputError(f"compliant must have one value per video, shape {raw.shape}, got {gate.shape}")
    return np.where(gate, np.minimum(1.0, raw), 0.0)


def engagement_diversity(counts: ArrayLike) -> Floats:
    """Entropy of the actions divided by its maximum, ``D = -Σ p log p / log A`` (formulas §1.2, S0 §4).

    Parameters
    ----------
    counts : (n, A) array_like
        Trust-weighted counts, or rates, of A >= 2 actions on n videos, finite and >= 0. Only their ratios matter.

    Returns
    -------
    (n,) float64 array
        Diversity in [0, 1]; 0 without any action.

    Raises
    ------
    InputError
        If there are fewer than two actions, or a count is negative or not finite.
    """
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(f"counts must have shape (n, A) with A >= 2 actions, got {values.shape}")
    _require_within("counts", values, np.finfo(np.float64).max)

    total = np.zeros(values.shape[0])
    for a in range(values.shape[1]):
        total = total + values[:, a]
    divisor = np.where(total > 0, total, 1.0)
    entropy = np.zeros(values.shape[0])
    for a in range(values.shape[1]):
        p = values[:, a] / divisor
        entropy = entropy - p * np.where(p > 0, log(p), 0.0)
    return np.clip(entropy / log(float(values.shape[1])), 0.0, 1.0)


def _checked(components: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    values = np.asarray(components, dtype=np.float64)
    exponents = np.asarray(weights, dtype=np.float64)
    if values.ndim != 2 or exponents.shape != values.shape[1:]:
        raise InputError(
            f"components must have shape (n, k) and weights (k,), got {values.shape} and {exponents.shape}"
        )
    _require_within("components", values, 1.0)
    if not (exponents >= 0).all() or abs(exponents.sum() - 1) > SUM_TOLERANCE:
        raise InputError(f"weights must be >= 0 and sum to 1, got {exponents.tolist()}")
    return values, exponents


def _require_within(name: str, values: Floats, upper: float) -> None:
    bad = np.argwhere(~((values >= 0) & (values <= upper)))
    if bad.size:
        row, column = bad[0]
        raise InputError(f"{name}[{row}, {column}] must be within [0, {upper:g}], got {values[row, column]}")
