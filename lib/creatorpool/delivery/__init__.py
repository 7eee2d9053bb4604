"""Guaranteed delivery: how clicks respond to impressions, and which impressions to plan. No Spark in here."""

from creatorpool.delivery.baseline import RatePrior, fit_rate_prior
from creatorpool.delivery.fitting import FitRules, SeriesFit, fit_p2c, fit_series
from creatorpool.delivery.p2c import P2CFit, predict_clicks
from creatorpool.delivery.prior import CurvePrior, fit_curve_prior
from creatorpool.delivery.series import DailySeries, daily_series

__all__ = [
    "CurvePrior",
    "DailySeries",
    "FitRules",
    "P2CFit",
    "RatePrior",
    "SeriesFit",
    "daily_series",
    "fit_curve_prior",
    "fit_p2c",
    "fit_rate_prior",
    "fit_series",
    "predict_clicks",
]
