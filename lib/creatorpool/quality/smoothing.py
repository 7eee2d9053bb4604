"""`smoothing: empirical_bayes`: rates shrink to the mean of their category (formulas §1.5, §6.2).

The rates of the actions and of rewatching shrink. They are shares of viewers and mostly 0 on real logs, and one zero
makes the geometric mean 0. Custom signals shrink too: each is a mean over viewers, of values 0 and 1 or of values in
between. Watch completion does not shrink: it is seldom 0. Components are computed from the shrunk rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.actions import ACTION_RATES
from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats
from creatorpool.quality.credibility import fit_signal_prior
from creatorpool.quality.engagement import engagement_components
from creatorpool.quality.shrinkage import GroupPrior, fit_priors_of, shrunk_rate
from creatorpool.quality_components import SMOOTHED_RATES

SHRUNK_RATES = (*ACTION_RATES, *SMOOTHED_RATES)
PRIOR_COLUMNS = ("category", "viewers", "trust_weight", *SHRUNK_RATES)
"""Columns that priors are fitted from, in addition to the custom signals"""


@dataclass(frozen=True)
class QualityPriors:
    """Fitted priors of every shrunk rate and custom signal, by category."""

    category: tuple[str, ...]
    """Sorted names; row g of each prior belongs to ``category[g]``"""
    rates: Mapping[str, GroupPrior]

    def as_dict(self) -> dict[str, dict[str, list[float]]]:
        """``{category: {rate: [mean, strength in viewers]}}`` for JSON; an infinite strength becomes 1e308."""
        return {
            category: {
                rate: [float(prior.mean[g]), float(min(prior.strength[g], 1e308))] for rate, prior in self.rates.items()
            }
            for g, category in enumerate(self.category)
        }


def fit_priors(
    columns: Mapping[str, NDArray[Any]], tiers: Mapping[str, float], custom: Sequence[str] = ()
) -> QualityPriors:
    """Fit the prior of each rate and custom signal in each category, from one day's signals.

    Parameters
    ----------
    columns : mapping of (n,) arrays
        `PRIOR_COLUMNS` and `custom` of all videos with signals; `category` is the video's first category. The order of
        rows does not matter.
    tiers
        Trust weight by tier, as configured.
    custom
        Names of the custom signals.

    Raises
    ------
    InputError
        If a column is missing or out of range.
    """
    missing = [name for name in (*PRIOR_COLUMNS, *custom) if name not in columns]
    if missing:
        raise InputError(f"columns must hold {missing} to fit priors, got {sorted(columns)}")
    names = tuple(sorted(set(columns["category"].tolist())))
    code = _codes(columns["category"], names)
    n = effective_viewers(columns["viewers"], columns["trust_weight"], tiers)
    priors = fit_priors_of([n * columns[rate] for rate in SHRUNK_RATES], n, code)
    signals = {name: fit_signal_prior(columns[name], columns["viewers"], n, code) for name in custom}
    return QualityPriors(names, dict(zip(SHRUNK_RATES, priors, strict=True)) | signals)


def smoothed_components(
    columns: Mapping[str, NDArray[Any]],
    priors: QualityPriors,
    tiers: Mapping[str, float],
    action_weights: Mapping[str, float],
) -> dict[str, Floats]:
    """Components and custom signals that shrinking changes, as (n,) arrays; `columns` and `tiers` as in `fit_priors`.

    Raises
    ------
    InputError
        If a category has no fitted prior.
    """
    code = _codes(columns["category"], priors.category)
    n = effective_viewers(columns["viewers"], columns["trust_weight"], tiers)
    rates = {
        rate: shrunk_rate(columns[rate], n, prior.mean[code], prior.strength[code])
        for rate, prior in priors.rates.items()
    }
    own = {name: values for name, values in rates.items() if name not in ACTION_RATES}
    return engagement_components(rates, action_weights) | own


def effective_viewers(viewers: NDArray[Any], trust_weight: NDArray[Any], tiers: Mapping[str, float]) -> Floats:
    """Number of equally trusted viewers whose mean has the same variance: Kish's (Σw)² / Σw², (n,) arrays.

    With two tiers, (w − lowest)(w − highest) = 0 for each viewer, so that Σ1 and Σw give Σw². With tiers in between
    this Σw² is an upper bound, and the result a lower bound. Multiplying all weights by one factor changes nothing.
    """
    lowest, highest = min(tiers.values()), max(tiers.values())
    squares = (lowest + highest) * trust_weight - lowest * highest * viewers
    return np.asarray(trust_weight * trust_weight / squares, dtype=np.float64)


def _codes(category: NDArray[Any], names: tuple[str, ...]) -> NDArray[np.intp]:
    if len(names) == 1 and np.all(category == names[0]):
        return np.zeros(category.size, dtype=np.intp)
    place = {name: g for g, name in enumerate(names)}
    try:
        return np.fromiter((place[name] for name in category.tolist()), dtype=np.intp, count=category.size)
    except KeyError as error:
        raise InputError(f"category {error} has no fitted prior; fitted are {list(names)}") from error
