"""The logarithmic mean: the weight that turns differences of logarithms into differences (formulas §2.10).

``L(a, b) = (a - b) / log(a / b)``, so that ``a - b = L(a, b) · (log a - log b)``, exactly and symmetrically: of a
product the change falls into one term a factor, and no order of the factors is chosen (the method LMDI I; Ang, The LMDI
approach to decomposition analysis, Energy Policy 33, 2005).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.numerics.elementary import log

NEAR = 0.1
"""Below this |a - b| / (a + b) the quotient would lose digits, and a series takes its place."""


def log_mean(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Logarithmic mean of (n,) `a` and `b`, both finite and >= 0; a where they are equal, 0 where one is 0."""
    high, low = np.maximum(a, b), np.minimum(a, b)
    total = high + low
    z = (high - low) / np.where(total > 0, total, 1.0)
    square = z * z
    series = np.full_like(z, 1.0 / 15.0)
    for divisor in (13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        series = 1.0 / divisor + square * series  # atanh(z) / z
    is_near = z < NEAR
    distance = np.where(is_near | (low <= 0), 1.0, log(high) - log(np.where(low > 0, low, 1.0)))
    return np.where(low > 0, np.where(is_near, 0.5 * total / series, (high - low) / distance), 0.0)


def log_change(before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """``log after - log before``, 0 where either is 0; swapping the two negates it to the bit."""
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    is_positive = (first > 0) & (second > 0)
    return log(np.where(is_positive, second, 1.0)) - log(np.where(is_positive, first, 1.0))
