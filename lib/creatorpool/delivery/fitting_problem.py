"""Each content's least-squares problem: centre and weight of the penalty, box of the parameters (formulas §4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.p2c import Bools, Floats
from creatorpool.delivery.prior import CurvePrior
from creatorpool.delivery.suitability import SUITABLE, Reasons, Suitability

CEILING_CENTRE, RATE_CENTRE = 1.5, 2.5
"""First centre of the penalty: y_m over the largest observed clicks, and r times the span of impressions."""
MAX_CEILING = 10.0
"""Upper bound of y_m over the largest observed clicks; the days cannot determine a larger saturation."""
MIN_CEILING = 1.001
"""Lower bound of y_m over the anchor's clicks."""
RATE_SPANS = (1e-2, 1e2)
"""Bounds of r times the span of impressions."""


@dataclass(frozen=True, eq=False)
class CurveProblem:
    """(n, …) arrays over (a, θ) = (log10 y_m, ln r)."""

    centre: Floats
    precision: Floats
    """(n, 2, 2) weight of the penalty; nan for contents that are not fitted"""
    low: Floats
    high: Floats
    is_cold: Bools
    """whether the content uses its category's prior"""
    noise: Floats
    """variance of log10 clicks in the category of a cold-start content; nan for others"""


def curve_problem(days: Suitability, regularisation: float, prior: CurvePrior | None) -> CurveProblem:
    """The problem of each content: from its own days if they suffice for a curve, else with its category's prior.

    The prior is used only if there are too few days. A longer series without a rise is evidence against a curve.
    """
    (x_first, y_first), (x_last, y_last) = days.anchor, days.last
    span = x_last - x_first
    with np.errstate(divide="ignore"):
        centre = np.stack([np.log10(CEILING_CENTRE * y_last), np.log(RATE_CENTRE / span)], axis=1)
        low = np.stack([np.log10(MIN_CEILING * y_first), np.log(RATE_SPANS[0] / span)], axis=1)
        high = np.stack([np.log10(MAX_CEILING * y_last), np.log(RATE_SPANS[1] / span)], axis=1)
    is_suitable = days.reason == SUITABLE
    precision = np.where(is_suitable, regularisation, np.nan)[:, None, None] * np.eye(2)
    if prior is None:
        nothing = np.full(is_suitable.size, np.nan)
        return CurveProblem(centre, precision, low, high, np.zeros_like(is_suitable), nothing)
    is_cold = (days.reason == Reasons.TOO_SHORT) & prior.is_known
    least, most = prior.mean - prior.reach, prior.mean + prior.reach
    least[:, 0] = np.fmax(least[:, 0], low[:, 0])
    cold = is_cold[:, None]
    return CurveProblem(
        centre=np.where(cold, prior.mean, centre),
        precision=np.where(cold[:, :, None], prior.precision * prior.noise[:, None, None], precision),
        low=np.where(cold, least, low),
        high=np.where(cold, np.maximum(most, least), high),
        is_cold=is_cold,
        noise=np.where(is_cold, prior.noise, np.nan),
    )
