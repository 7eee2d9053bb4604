"""Response curves of clicks to daily impressions: the published P2C model (formulas §4.1, S3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class P2CFit:
    """The curve of one content in one drawer, or n curves: every field is a scalar or an (n,) array.

    If `converged` is false, there is no curve: its parameters are nan, `reason` says why, and `ctr` predicts clicks.
    """

    r: Floats
    """growth rate, per impression"""
    y_max: Floats
    """saturation y_m, clicks"""
    x0: Floats
    """anchor: least impressions among the fitted days"""
    y0: Floats
    """clicks at the anchor"""
    r_lo: Floats
    r_hi: Floats
    y_max_lo: Floats
    y_max_hi: Floats
    ctr: Floats
    """smoothed clicks per impression: the baseline, and the prediction without a curve"""
    rmse: Floats
    """root mean squared error in clicks, on all days with impressions"""
    ape: Floats
    """mean |y − ŷ| / y on the days with clicks"""
    n_points: Integers
    """days in the longest increasing subsequence"""
    converged: Bools
    reason: NDArray[np.str_]
    """why there is no curve, or which prior the fit uses; empty for a curve fitted without a prior"""

    def __len__(self) -> int:
        if self.r.ndim == 0:
            raise TypeError("the fit of one content is a scalar and has no length")
        return int(self.r.size)

    def __getitem__(self, which: Any) -> P2CFit:
        """The fits at `which`, any index of an (n,) array, also None for a new axis."""
        return P2CFit(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def predict_clicks(fit: P2CFit, pv: ArrayLike) -> Floats:
    """Expected clicks for `pv` daily impressions.

    Parameters
    ----------
    fit : P2CFit
        Fit of one content or of n contents.
    pv : array_like
        Impressions, >= 0, of a shape that broadcasts with the fit's.

    Returns
    -------
    float64 array or scalar
        Clicks.

    Raises
    ------
    InputError
        If an impression count is negative or nan.

    Notes
    -----
    ``y(x) = y_m y_0 / (y_0 − (y_0 − y_m) e^{−r(x − x_0)})`` from the anchor on. Below the anchor it is the straight
    line from the origin to the anchor, because the logistic has clicks without impressions. Without a curve it is
    ``ctr · x``.
    """
    x = np.asarray(pv, dtype=np.float64)
    if not (x >= 0).all():  # nan too
        raise InputError(f"pv must be >= 0, got {x[~(x >= 0)].flat[0]}")
    return curve_clicks(x, fit.r, fit.y_max, fit.x0, fit.y0, fit.ctr)[()]


def curve_clicks(x: Floats, r: Floats, y_max: Floats, x0: Floats, y0: Floats, ctr: Floats) -> Floats:
    """`predict_clicks` from arrays that broadcast; a nan `r` means no curve."""
    has_curve = ~np.isnan(r)
    start, clicks, top = (np.where(has_curve, part, 1.0) for part in (x0, y0, y_max))
    beyond = np.maximum(x - start, 0.0)
    decay = (top / clicks - 1.0) * np.exp(-np.where(has_curve, r, 0.0) * beyond)
    curve = np.where(x >= start, top / (1.0 + decay), clicks * (x / start))
    return np.asarray(np.where(has_curve, curve, ctr * x), dtype=np.float64)
