"""Errors and intervals of a curve's parameters (formulas §4.2)."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from creatorpool.delivery.fitting_problem import CurveProblem
from creatorpool.delivery.p2c import Floats, curve_clicks
from creatorpool.delivery.series import DailySeries
from creatorpool.delivery.suitability import Suitability

LN10 = float(np.log(10.0))
FITTED = 3
"""Number of fitted parameters, the anchor's clicks included: degrees of freedom are days minus this."""


def parameter_errors(days: Suitability, problem: CurveProblem, p: Floats, x0: Floats) -> tuple[Floats, Floats]:
    """(n, 2, 2) covariance of (log10 y_m, ln r), and (n,) variance of log10 clicks around the curve.

    Notes
    -----
    The covariance is ``s² (JᵀJ)⁻¹`` with J over the fitted days. s² uses all days with clicks, because the increasing
    subsequence omits the days furthest from the curve. The penalty does not count as information. The prior of a
    cold-start content does, with the noise of its category.
    """
    information, noise = _information(days.rising, p, x0), _noise(days.positive, p, x0)
    information[problem.is_cold, :2, :2] += problem.precision[problem.is_cold]
    variance = np.where(problem.is_cold, problem.noise, noise)
    return variance[:, None, None] * _inverse(information)[:, :2, :2], variance


def reaches(days: Suitability, problem: CurveProblem, covariance: Floats, confidence: float) -> Floats:
    """(n, 2) half-widths of the parameters' intervals, by Student's t, or by the normal distribution under a prior."""
    free = np.where(problem.is_cold, np.inf, np.maximum(np.diff(days.positive.offsets) - FITTED, 1.0))
    each, place = np.unique(free, return_inverse=True)
    quantile = student.ppf(0.5 + confidence / 2.0, each)[place]
    return np.asarray(quantile[:, None] * np.sqrt(np.einsum("nii->ni", covariance)), dtype=np.float64)


def _information(rising: DailySeries, p: Floats, x0: Floats) -> Floats:
    """(n, 3, 3) JᵀJ, where J holds the derivatives of log10 ŷ in (log10 y_m, ln r, log10 y_0)."""
    owner = rising.owner
    a, theta, b = p[owner].T
    growth = np.exp(theta) * (rising.pv - x0[owner])
    decay = np.exp(-growth)
    odds = 10.0 ** (a - b) - 1.0
    below = 1.0 + odds * decay
    by_anchor = (odds + 1.0) * decay / below
    by_rate = odds * decay * growth / (LN10 * below)
    jacobian = np.nan_to_num(np.stack([1.0 - by_anchor, by_rate, by_anchor]))
    found = np.empty((len(rising), 3, 3))
    for j in range(3):
        for k in range(j + 1):
            found[:, j, k] = found[:, k, j] = rising.sums(jacobian[j] * jacobian[k])
    return found


def _noise(positive: DailySeries, p: Floats, x0: Floats) -> Floats:
    """(n,) variance of log10 clicks around the curve, over all days with clicks."""
    owner = positive.owner
    curve = np.exp(p[:, 1]), 10.0 ** p[:, 0], x0, 10.0 ** p[:, 2]
    r, y_max, start, y0 = (part[owner] for part in curve)
    expected = curve_clicks(positive.pv, r, y_max, start, y0, np.ones(owner.size))
    gap = np.log10(expected / positive.click)
    free = np.maximum(np.diff(positive.offsets) - FITTED, 1)
    return np.asarray(positive.sums(gap * gap) / free, dtype=np.float64)


def _inverse(matrix: Floats) -> Floats:
    """Inverses of (n, 3, 3) symmetric matrices; parameters that the days do not determine get a very large variance."""
    size = np.einsum("nii->n", matrix)
    ridge = np.where(size > 0, 1e-12 * size, 1.0)
    return np.asarray(np.linalg.inv(matrix + ridge[:, None, None] * np.eye(3)), dtype=np.float64)
