"""Cold start: the prior of a category's curves (formulas §4.3).

Within a category, (a, θ) = (log10 y_m, ln r) is assumed normal over contents. Mean and covariance are
maximum-likelihood estimates from the curves fitted without a prior, each with its own errors. A content with few days
gets the most likely curve under its days and the prior: least squares over the category's noise, plus
``(p − μ)ᵀ Σ⁻¹ (p − μ)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.p2c import Bools, Floats, Integers

MIN_FITS = 20
"""A category with fewer curves gets the prior of all categories together."""
MIN_SPREAD = 1e-4
"""Least variance between a category's curves."""
ROUNDS, SETTLED = 200, 1e-6
REACH = 3.0
"""Bound of a cold-start content's parameters, in standard deviations around the prior's mean."""


@dataclass(frozen=True, eq=False)
class CurvePrior:
    """The priors of n contents, or of n categories."""

    mean: Floats
    """(n, 2) of log10 y_m and ln r"""
    covariance: Floats
    """(n, 2, 2)"""
    noise: Floats
    """(n,) variance of log10 clicks around a curve"""
    is_known: Bools
    """(n,) false where there are too few curves for a prior; the other fields are nan there"""

    @property
    def precision(self) -> Floats:
        """(n, 2, 2) inverse covariance."""
        inverse: Floats = np.linalg.inv(np.where(self.is_known[:, None, None], self.covariance, np.eye(2)))
        return inverse

    @property
    def reach(self) -> Floats:
        """(n, 2) largest distance of a fitted parameter from the mean."""
        return np.asarray(REACH * np.sqrt(np.einsum("nii->ni", self.covariance)), dtype=np.float64)

    def take(self, which: Integers) -> CurvePrior:
        """The priors at positions `which`, such as each content's category."""
        return CurvePrior(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class CurveErrors:
    """Transformed parameters of n fits with their errors: the input of a prior."""

    parameters: Floats
    """(n, 2) log10 y_m and ln r; nan without a curve"""
    covariance: Floats
    """(n, 2, 2) covariance of their errors"""
    noise: Floats
    """(n,) variance of log10 clicks around the curve"""


def fit_curve_prior(found: CurveErrors, group: Integers, groups: int) -> CurvePrior:
    """The priors of `groups` categories, one row each; `group` (n,) is the category of each content, 0 and up."""
    fitted = ~np.isnan(found.parameters[:, 0])
    everyone = _maximum_likelihood(found, np.flatnonzero(fitted))
    rows = [_maximum_likelihood(found, np.flatnonzero(fitted & (group == code))) or everyone for code in range(groups)]
    nothing = (np.full(2, np.nan), np.full((2, 2), np.nan), np.nan)
    mean, covariance, noise = zip(*(row or nothing for row in rows), strict=True) if rows else ((), (), ())
    return CurvePrior(
        np.array(mean).reshape(-1, 2),
        np.array(covariance).reshape(-1, 2, 2),
        np.array(noise, dtype=np.float64),
        np.array([row is not None for row in rows], dtype=np.bool_),
    )


def _maximum_likelihood(found: CurveErrors, own: Integers) -> tuple[Floats, Floats, float] | None:
    """Maximum-likelihood mean and covariance of the curves `own`, given their errors, and their median noise."""
    if own.size < MIN_FITS:
        return None
    # A fixed order, so that float sums do not depend on the order of contents.
    own = own[np.lexsort(found.parameters[own].T)]
    seen, errors = found.parameters[own], found.covariance[own]
    mean, spread = seen.mean(axis=0), np.cov(seen.T) + MIN_SPREAD * np.eye(2)
    for _ in range(ROUNDS):
        # Expectation–maximisation: the curves' parameters given the distribution, then the distribution given them.
        gain = spread @ np.linalg.inv(spread + errors)
        place = mean + np.einsum("nij,nj->ni", gain, seen - mean)
        rest = spread - gain @ spread
        mean, before = place.mean(axis=0), spread
        gap = place - mean
        spread = gap.T @ gap / own.size + rest.mean(axis=0) + MIN_SPREAD * np.eye(2)
        if np.abs(spread - before).max() <= SETTLED * np.abs(spread).max():
            break
    return mean, spread, float(np.median(found.noise[own]))
