"""Guaranteed delivery: response curves of clicks to impressions, and plans of impressions; Spark only in `frames`."""

from creatorpool.delivery.baseline import RatePrior, fit_rate_prior
from creatorpool.delivery.feasibility import Shortfalls, excess, is_feasible, shortfalls
from creatorpool.delivery.fitting import FitRules, SeriesFit, fit_p2c, fit_series
from creatorpool.delivery.frontier import FrontierPoint, plan_frontier
from creatorpool.delivery.objective import (
    Measures,
    Objective,
    least_variance,
    measure,
    most_views,
    published,
    weighted,
)
from creatorpool.delivery.p2c import P2CFit, predict_clicks
from creatorpool.delivery.plan import DeliveryPlan, plan_delivery
from creatorpool.delivery.prior import CurvePrior, fit_curve_prior
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.response import ResponseCurves, response_curves
from creatorpool.delivery.series import DailySeries, daily_series
from creatorpool.delivery.testing_window import TestingWindow, testing_window

__all__ = [
    "CurvePrior",
    "DailySeries",
    "DeliveryPlan",
    "DeliveryProblem",
    "FitRules",
    "FrontierPoint",
    "Measures",
    "Objective",
    "P2CFit",
    "RatePrior",
    "ResponseCurves",
    "SeriesFit",
    "Shortfalls",
    "TestingWindow",
    "daily_series",
    "excess",
    "fit_curve_prior",
    "fit_p2c",
    "fit_rate_prior",
    "fit_series",
    "is_feasible",
    "least_variance",
    "measure",
    "most_views",
    "plan_delivery",
    "plan_frontier",
    "predict_clicks",
    "published",
    "response_curves",
    "shortfalls",
    "testing_window",
    "weighted",
]
