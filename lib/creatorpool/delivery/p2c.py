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
    """The curve of one content in one drawer, or of n of them: every field is a scalar or an (n,) array.

    Where `converged` is false there is no curve: its parameters are nan, `reason` says why, and `ctr` serves.
    """

    r: Floats
    """growth rate, per impression"""
    y_max: Floats
    """saturation y_m, clicks"""
    x0: Floats
    """anchor: the least impressions that were fitted"""
    y0: Floats
    """anchor: clicks there"""
    r_lo: Floats
    r_hi: Floats
    y_max_lo: Floats
    y_max_hi: Floats
    ctr: Floats
    """smoothed clicks an impression: the baseline, and what serves without a curve"""
    rmse: Floats
    """root mean squared error on all days with impressions, clicks"""
    ape: Floats
    """mean |y − ŷ| / y on the days with clicks"""
    n_points: Integers
    """days in the longest increasing subsequence"""
    converged: Bools
    reason: NDArray[np.str_]
    """why there is no curve, or which prior it leans on; empty for a curve that stands on its own days"""

    def __len__(self) -> int:
        if self.r.ndim == 0:
            raise TypeError("the fit of one content has no length")
        return int(self.r.size)

    def __getitem__(self, which: Any) -> P2CFit:
        """One content's fit, or those of some: any index of an (n,) array, None for a new axis included."""
        return P2CFit(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def predict_clicks(fit: P2CFit, pv: ArrayLike) -> Floats:
    """Expected clicks of `pv` daily impressions.

    Parameters
    ----------
    fit : P2CFit
        Of one content, or of n.
    pv : array_like
        Impressions >= 0, of a shape that broadcasts with the fit's.

    Returns
    -------
    float64 array or scalar

    Notes
    -----
    ``y(x) = y_m y_0 / (y_0 − (y_0 − y_m) e^{−r(x − x_0)})`` from the anchor on. Below it the ray from the origin to the
    anchor: the logistic itself expects clicks without impressions. Without a curve ``ctr · x``.
    """
    x = np.asarray(pv, dtype=np.float64)
    if not (x >= 0).all():  # nan too
        raise InputError(f"pv must be >= 0, got {x[~(x >= 0)].flat[0]}")
    return curve_clicks(x, fit.r, fit.y_max, fit.x0, fit.y0, fit.ctr)[()]


def curve_clicks(x: Floats, r: Floats, y_max: Floats, x0: Floats, y0: Floats, ctr: Floats) -> Floats:
    """`predict_clicks` from plain arrays that broadcast; a nan `r` means no curve."""
    has_curve = ~np.isnan(r)
    start, clicks, top = (np.where(has_curve, part, 1.0) for part in (x0, y0, y_max))
    beyond = np.maximum(x - start, 0.0)
    decay = (top / clicks - 1.0) * np.exp(-np.where(has_curve, r, 0.0) * beyond)
    curve = np.where(x >= start, top / (1.0 + decay), clicks * (x / start))
    return np.asarray(np.where(has_curve, curve, ctr * x), dtype=np.float64)
