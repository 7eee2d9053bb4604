"""Cold start: what the curves of a category have in common (formulas §4.3).

Within a category (a, θ) = (log10 y_m, ln r) is taken as normal over contents. Its mean and covariance are the likeliest
for the curves that stand on their own days, each seen with its own errors. A content with few days is
then fitted by the most likely curve under both: least squares over the category's noise, plus ``(p − μ)ᵀ Σ⁻¹ (p − μ)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.p2c import Bools, Floats, Integers

LEAST_FITS = 20
"""Curves without which a category takes the prior of all categories together."""
LEAST_SPREAD = 1e-4
"""Variance that is left between a category's curves, however alike they are."""
ROUNDS, SETTLED = 200, 1e-6
REACH = 3.0
"""A cold content's parameters are sought within this many standard deviations."""


@dataclass(frozen=True, eq=False)
class CurvePrior:
    """The priors of n contents, or of n categories."""

    mean: Floats
    """(n, 2) of log10 y_m and ln r"""
    covariance: Floats
    """(n, 2, 2)"""
    noise: Floats
    """(n,) variance of log10 clicks about their curve"""
    is_known: Bools
    """(n,)"""

    @property
    def precision(self) -> Floats:
        """(n, 2, 2) inverse covariance."""
        inverse: Floats = np.linalg.inv(np.where(self.is_known[:, None, None], self.covariance, np.eye(2)))
        return inverse

    @property
    def reach(self) -> Floats:
        """(n, 2) how far from the mean a parameter is sought."""
        return np.asarray(REACH * np.sqrt(np.einsum("nii->ni", self.covariance)), dtype=np.float64)

    def take(self, which: Integers) -> CurvePrior:
        """The prior of each content, by its category's place."""
        return CurvePrior(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class CurveErrors:
    """Transformed parameters of n fits: what a prior is estimated from."""

    parameters: Floats
    """(n, 2) log10 y_m and ln r; nan without a curve"""
    covariance: Floats
    """(n, 2, 2) of their errors"""
    noise: Floats
    """(n,) variance of log10 clicks about the curve"""


def fit_curve_prior(found: CurveErrors, group: Integers, groups: int) -> CurvePrior:
    """The prior of each of `groups` categories, from the curves of contents of category `group` (n,)."""
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
    """Mean and covariance under which the curves `own` are likeliest, given their errors, and their median noise."""
    if own.size < LEAST_FITS:
        return None
    # Sums in one order, whatever the order of contents.
    own = own[np.lexsort(found.parameters[own].T)]
    seen, errors = found.parameters[own], found.covariance[own]
    mean, spread = seen.mean(axis=0), np.cov(seen.T) + LEAST_SPREAD * np.eye(2)
    for _ in range(ROUNDS):
        # Expectation–maximisation: where each curve lies given the law, then the law given where they lie.
        gain = spread @ np.linalg.inv(spread + errors)
        place = mean + np.einsum("nij,nj->ni", gain, seen - mean)
        rest = spread - gain @ spread
        mean, before = place.mean(axis=0), spread
        gap = place - mean
        spread = gap.T @ gap / own.size + rest.mean(axis=0) + LEAST_SPREAD * np.eye(2)
        if np.abs(spread - before).max() <= SETTLED * np.abs(spread).max():
            break
    return mean, spread, float(np.median(found.noise[own]))
