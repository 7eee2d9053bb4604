"""Non-parametric pass curve of a cohort, monotone and smooth (formulas §3.10, S4 B.6 step 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from creatorpool.errors import InputError
from creatorpool.incentives.cohort import CohortCounts


def monotone_curve(counts: CohortCounts, k: int) -> Any:
    """Monotone cubic spline through the isotonic pass rates of the bins at the bar `k`, for charts and what-ifs.

    Returns
    -------
    scipy.interpolate.PchipInterpolator
        From the proxy to the pass rate, NaN outside the bins' mean proxies. ``.derivative()`` is its slope. It
        depends on the two nearest bins only; the estimates therefore use `slopes_at_median`.

    Raises
    ------
    InputError
        If the pass rates do not rise with the proxy.
    """
    size = counts.entrants.sum(axis=1)
    filled = size > 0
    rate = counts.entrants[filled, k:].sum(axis=1) / size[filled]
    fitted = isotonic_regression(rate, weights=size[filled].astype(np.float64))
    # One knot per block of equal rates, at its weighted centre: the block is noise of its bins, not a flat curve.
    starts = fitted.blocks[:-1]
    weight = np.add.reduceat(size[filled].astype(np.float64), starts)
    centre = np.add.reduceat(size[filled] * counts.proxy[filled], starts) / weight
    if starts.size < 2:
        raise InputError("the pass rates do not rise with the proxy: there is no curve to draw")
    return PchipInterpolator(centre, fitted.x[starts], extrapolate=False)
