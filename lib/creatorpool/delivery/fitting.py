"""Fits the response curves of many contents in one pass (formulas §4.2).

The fit of one content uses the longest increasing subsequence of its daily (impressions, clicks). It minimises squared
errors of log10 clicks over (a, θ) = (log10 y_m, ln r), with penalty ``0.01·((a − a_c)² + (θ − θ_c)²)``, in a box and
from several starts. The source also takes the logarithm of x; here x enters through the exponent
``r(x − x_0) = e^{θ + ln(x − x_0)}``, a sum of logarithms. A penalty towards 0 would depend on the unit of impressions.
So its centre (a_c, θ_c) follows the content's own scale, and moves once, to the end of the first descent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.delivery.baseline import JEFFREYS
from creatorpool.delivery.evaluation import fit_errors
from creatorpool.delivery.fitting_intervals import parameter_errors, reaches
from creatorpool.delivery.fitting_kernels import fit_rows
from creatorpool.delivery.fitting_problem import CurveProblem, curve_problem
from creatorpool.delivery.p2c import Bools, Floats, P2CFit
from creatorpool.delivery.prior import CurveErrors, CurvePrior
from creatorpool.delivery.series import DailySeries, daily_series
from creatorpool.delivery.suitability import SUITABLE, Suitability, assess
from creatorpool.errors import InputError

AT_BOUND = 1e-6
MIN_GROWTH = 0.001
"""log10 y_m must exceed log10 of the anchor's clicks by this."""
AT_CEILING = "no saturation found: y_max is at its bound"
AT_FLOOR = "no growth found: y_max is at its bound"
AT_RATE = "r is at its bound"
NOT_CONVERGED = "the fit did not converge"
COLD = "cold start, by the category's prior: "


@dataclass(frozen=True)
class FitRules:
    """Settings of a fit.

    Raises
    ------
    InputError
        If min_points is below 4, regularisation is not > 0 or confidence is outside (0, 1).
    """

    min_points: int = 5
    """days with clicks, and days in the increasing subsequence, that a content needs for a curve of its own"""
    regularisation: float = 0.01
    confidence: float = 0.95
    """confidence of the parameters' intervals"""
    frees_anchor: bool = True
    """whether the clicks at the anchor are fitted too; the published fit keeps the observed clicks"""
    only_increasing: bool = True
    """whether only the longest increasing subsequence is fitted, as published, or all days with clicks"""

    def __post_init__(self) -> None:
        if self.min_points < 4 or not self.regularisation > 0 or not 0 < self.confidence < 1:
            raise InputError(
                f"a fit needs min_points >= 4, regularisation > 0 and confidence within (0, 1), got {self}"
            )


@dataclass(frozen=True, eq=False)
class SeriesFit:
    """The curves of n contents, and the input of their categories' priors."""

    fit: P2CFit
    errors: CurveErrors
    """nan except for curves fitted without a prior"""


def fit_p2c(
    pv: ArrayLike, click: ArrayLike, *, rules: FitRules | None = None, prior: CurvePrior | None = None
) -> P2CFit:
    """Fit the response curve of one content.

    Parameters
    ----------
    pv : (days,) array_like
        Impressions of each day, >= 0, in any order.
    click : (days,) array_like
        Clicks of the same days, in [0, pv].
    rules : FitRules, optional
        Settings of the fit.
    prior : CurvePrior, optional
        Prior of the content's category, one row; used if the content has too few days.

    Returns
    -------
    P2CFit
        With scalar fields. If the days do not suffice for a curve, `converged` is false and `reason` says why. `ctr` is
        the rate under Jeffreys' prior.

    Raises
    ------
    InputError
        If shapes differ or a count is out of range; the message names the day.
    """
    return fit_series(daily_series([0, np.size(pv)], pv, click), rules=rules, prior=prior).fit[0]


def fit_series(
    series: DailySeries,
    *,
    rules: FitRules | None = None,
    ctr: Floats | None = None,
    prior: CurvePrior | None = None,
) -> SeriesFit:
    """Fit the curves of n contents. A content's fit does not depend on the other contents.

    Parameters
    ----------
    series : DailySeries
        Days of n contents.
    rules : FitRules, optional
        Settings of the fit.
    ctr : (n,) array, optional
        Smoothed click rates; by default those under Jeffreys' prior.
    prior : CurvePrior, optional
        One row per content, for contents with too few days.
    """
    used = rules or FitRules()
    rate = JEFFREYS.smoothed(series.sums(series.click), series.sums(series.pv)) if ctr is None else ctr
    days = assess(series, used.min_points, used.only_increasing)
    problem = curve_problem(days, used.regularisation, prior)
    parameters, converged = _solved(days.rising, problem, used)
    reason = _reasons(days, problem, parameters, converged)
    converged = (reason == SUITABLE) | np.char.startswith(reason, COLD)
    p, x0 = np.where(converged[:, None], parameters, np.nan), np.where(converged, days.anchor[0], np.nan)
    covariance, noise = parameter_errors(days, problem, p, x0)
    reach = reaches(days, problem, covariance, used.confidence)
    low, high = p[:, :2] - reach, p[:, :2] + reach
    curve = np.exp(p[:, 1]), 10.0 ** p[:, 0], x0, 10.0 ** p[:, 2]
    rmse, ape = fit_errors(series, *curve, rate)
    with np.errstate(over="ignore"):  # an undetermined parameter has the upper end inf
        ends = np.exp(low[:, 1]), np.exp(high[:, 1]), 10.0 ** low[:, 0], 10.0 ** high[:, 0]
    fit = P2CFit(*curve, *ends, rate, rmse, ape, np.diff(days.rising.offsets), converged, reason)
    return SeriesFit(fit, _errors(p, covariance, noise, converged & ~problem.is_cold))


def _solved(rising: DailySeries, problem: CurveProblem, rules: FitRules) -> tuple[Floats, Bools]:
    """(n, 3) log10 y_m, ln r and log10 y_0, nan without a fit, and (n,) whether the descent converged."""
    parameters, converged = np.full((len(rising), 3), np.nan), np.zeros(len(rising), dtype=np.bool_)
    bounds = np.stack([problem.low, problem.high], axis=1)
    fit_rows(
        *(rising.offsets, rising.pv, rising.click, problem.centre, problem.precision, bounds),
        *(rules.frees_anchor, ~problem.is_cold, parameters, converged),
    )
    return parameters, converged


def _reasons(days: Suitability, problem: CurveProblem, p: Floats, converged: Bools) -> NDArray[np.str_]:
    tried = days.reason == SUITABLE
    (a, theta, b), low, high = p.T, problem.low, problem.high
    reason = days.reason.copy()
    with np.errstate(invalid="ignore"):
        reason[tried & ((theta <= low[:, 1] + AT_BOUND) | (theta >= high[:, 1] - AT_BOUND))] = AT_RATE
        reason[tried & (a >= high[:, 0] - AT_BOUND)] = AT_CEILING
        reason[tried & (a <= np.fmax(low[:, 0], b + MIN_GROWTH) + AT_BOUND)] = AT_FLOOR
        rises = a > b + MIN_GROWTH
    reason[(tried | problem.is_cold) & ~converged] = NOT_CONVERGED
    helped = problem.is_cold & converged & rises
    reason[problem.is_cold & converged & ~rises] = AT_FLOOR
    reason[helped] = np.char.add(COLD, reason[helped])
    return reason


def _errors(p: Floats, covariance: Floats, noise: Floats, own: Bools) -> CurveErrors:
    return CurveErrors(
        np.where(own[:, None], p[:, :2], np.nan),
        np.where(own[:, None, None], covariance, np.nan),
        np.where(own, noise, np.nan),
    )
