"""Viewers and videos of the simulated market, drawn once from its seed (formulas §5.5)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from creatorpool.recommend.simulator_parameters import AGES, REGION_TASTES, SimulatorParameters

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Array = Any
"""A numpy or JAX array: the steps of a session run on both."""

_RATED_BY = 512
"""Number of viewers over whom a video's success rate is averaged."""


class Market(NamedTuple):
    """u viewers, and v videos in order of category. Categories are positions in `SimulatorParameters.categories`."""

    region: Array
    """(u,) position in `REGION_TASTES`"""
    age: Array
    """(u,) position in `AGES`"""
    interests: Array
    """(u, 2) true interests, distinct; hidden from the platform"""
    predicted: Array
    """(u, 2) interests that the platform predicts"""
    taste: Array
    """(u, d) taste vectors"""
    region_category: Array
    """(regions,) the category that people of each region also like"""

    category: Array
    """(v,) ascending"""
    first: Array
    """(c,) first video of each category"""
    count: Array
    """(c,) number of videos of each category"""
    appeal: Array
    """(v,) appeal to all viewers, standard normal"""
    style: Array
    """(v, d) style vectors; taste · style is the match of viewer and video, with variance 1"""
    length_seconds: Array
    """(v,)"""
    alpha: Array
    """(v,) measured successes, prior included: the platform's knowledge of the appeal"""
    beta: Array
    """(v,) measured failures, prior included"""
    popularity: Array
    """(v,) log(1 + views), standardised by `views_centre` and `views_scale`"""
    views_centre: Array
    views_scale: Array
    odds_centre: Array
    """mean over videos of the measured log-odds of success"""


def build_market(parameters: SimulatorParameters, seed: int) -> Market:
    """Draw the viewers and videos of one market.

    Measured successes of a video are drawn from its success rate: the probability that a viewer who just opened the app
    watches it, averaged over a sample of viewers.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    names = parameters.categories
    region_category = np.array([names.index(taste) for taste in REGION_TASTES.values()])
    viewers = _viewers(parameters, region_category, rng)
    c, v, d = len(names), parameters.videos, parameters.taste_dimensions
    category = np.sort(np.concatenate([np.arange(c), rng.integers(0, c, v - c)]))
    count = np.bincount(category, minlength=c)
    appeal = rng.standard_normal(v)
    style = rng.standard_normal((v, d)) / np.sqrt(d)
    length = parameters.length_seconds * np.exp(parameters.length_spread * rng.standard_normal(v))
    views = np.floor(parameters.typical_views * np.exp(rng.standard_normal(v) + 0.5 * appeal))
    rate = _success_rate(parameters, viewers, region_category, category, appeal, style)
    successes = rng.binomial(views.astype(np.int64), rate)
    alpha, beta = parameters.prior[0] + successes, parameters.prior[1] + views - successes
    seen = np.log1p(views)
    return Market(
        **viewers,
        region_category=region_category,
        category=category,
        first=np.concatenate([[0], np.cumsum(count)[:-1]]),
        count=count,
        appeal=appeal,
        style=style,
        length_seconds=length,
        alpha=alpha,
        beta=beta,
        popularity=(seen - seen.mean()) / (seen.std() or 1.0),
        views_centre=seen.mean(),
        views_scale=seen.std() or 1.0,
        odds_centre=logit(alpha / (alpha + beta)).mean(),
    )


def _viewers(parameters: SimulatorParameters, region_category: Integers, rng: np.random.Generator) -> dict[str, Any]:
    u, c = parameters.viewers, len(parameters.categories)
    region = rng.integers(0, region_category.size, u)
    weight = np.ones((u, c))
    weight[np.arange(u), region_category[region]] = parameters.region_tilt
    # The two largest of log weight + Gumbel noise are a weighted draw without replacement.
    interests = np.argsort(np.log(weight) + rng.gumbel(size=(u, c)), axis=1)[:, :-3:-1]
    is_right = rng.random((u, 2)) < parameters.interest_accuracy
    predicted = np.where(is_right, interests, rng.integers(0, c, (u, 2)))
    return {
        "region": region,
        "age": rng.integers(0, len(AGES), u),
        "interests": interests,
        "predicted": predicted,
        "taste": rng.standard_normal((u, parameters.taste_dimensions)),
    }


def _success_rate(
    parameters: SimulatorParameters,
    viewers: dict[str, Any],
    region_category: Integers,
    category: Integers,
    appeal: Floats,
    style: Floats,
) -> Floats:
    """(v,) mean probability of being watched, over the first viewers in each of their two moods."""
    sample = slice(0, _RATED_BY)
    interests, region = viewers["interests"][sample], viewers["region"][sample]
    own = (interests[:, :, None] == category).astype(np.float64)
    open_to = (region_category[region][:, None] == category) & (own.sum(axis=1) == 0)
    common = parameters.base + parameters.region * open_to + parameters.appeal * appeal
    common = common + parameters.match * viewers["taste"][sample] @ style.T
    moods = [parameters.mood * own[:, m] + parameters.interest * own[:, 1 - m] for m in (0, 1)]
    rate: Floats = np.mean([expit(common + effect) for effect in moods], axis=(0, 1))
    return rate
