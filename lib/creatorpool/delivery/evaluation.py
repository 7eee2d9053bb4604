"""Errors of predicted clicks: the source's two measures, RMSE and APE (formulas §4.2)."""

from __future__ import annotations

import numpy as np

from creatorpool.delivery.p2c import Bools, Floats, curve_clicks
from creatorpool.delivery.series import DailySeries


def fit_errors(
    series: DailySeries, r: Floats, y_max: Floats, x0: Floats, y0: Floats, ctr: Floats
) -> tuple[Floats, Floats]:
    """(n,) RMSE in clicks over days with impressions, and (n,) mean |y − ŷ| / y over days with clicks; nan if none.

    The parameters are (n,), as in `P2CFit`; where r is nan, the prediction is ctr · impressions.
    """
    owner = series.owner
    gap = curve_clicks(series.pv, *(part[owner] for part in (r, y_max, x0, y0, ctr))) - series.click
    shown, clicked = series.pv > 0, series.click > 0
    share = np.abs(gap) / np.where(clicked, series.click, 1.0)
    return np.sqrt(_mean(series, gap * gap, shown)), _mean(series, share, clicked)


def rate_errors(series: DailySeries, ctr: Floats) -> tuple[Floats, Floats]:
    """`fit_errors` of the prediction ctr · impressions."""
    nothing = np.full(ctr.size, np.nan)
    return fit_errors(series, nothing, nothing, nothing, nothing, ctr)


def _mean(series: DailySeries, values: Floats, wanted: Bools) -> Floats:
    days = series.sums(wanted.astype(np.float64))
    return np.where(days > 0, series.sums(np.where(wanted, values, 0.0)) / np.maximum(days, 1.0), np.nan)
