"""What a cohort's counts say about passing and bounties, with intervals, or why they say nothing (S4 B.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.bounty import implementability_bounty
from creatorpool.incentives.calibration import implied_cost
from creatorpool.incentives.cohort import CohortCounts
from creatorpool.incentives.intervals import NOT_ESTIMATED, Estimate, percentile_interval, wilson_interval
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import best_response
from creatorpool.incentives.slopes import Slopes, slopes_at_median
from creatorpool.incentives.types import Curve, Floats, Integers

# The two slopes disagree where chance brings such a difference in one cohort of a hundred.
DISAGREEMENT = (0.5, 99.5)
# Responses this near the measured quality are the same.
SAME_QUALITY = 1e-3


@dataclass(frozen=True)
class EstimationRules:
    """What the estimates assume, and what they refuse."""

    min_entrants: int = 200
    min_bins: int = 4
    replicates: int = 1000
    proxy_is_quality: bool = True
    """the proxy is on the scale of q; else quality is the success chance that it predicts"""
    attenuation: float = 0.8
    """part of the slope that the conservative bounty relies on"""


@dataclass(frozen=True)
class CohortEstimate:
    """Estimates of one segment; NaN throughout where `reason` says that the data do not carry them."""

    entrants: int
    pass_rate: Estimate
    """with its Wilson interval"""
    quality: Estimate
    """q̂ at the cohort's median"""
    probability: Estimate
    """π̂ at the median"""
    slope: Estimate
    """π̂′ by the monotone curve, per unit of quality"""
    slope_influence: Estimate
    """π̂′ by influence weights"""
    leverage: Estimate
    elasticity: Estimate
    bounty: Estimate
    """B̂ = (1 − r) m̂ / π̂′"""
    expected_spend: Estimate
    """π̂ B̂"""
    bounty_conservative: float
    """B̂ with the slope attenuated"""
    slopes_agree: bool
    cost_fits: bool
    """whether the cost makes the measured quality a best response, and not only a root of the first-order condition"""
    certified: bool
    """whether the cost fits, and the bounty for it is proved to induce the first best"""
    induced_quality: float
    """best response to B̂ under the implied cost"""
    reason: str
    """empty, or why numbers are missing"""


def estimate_cohort(
    counts: CohortCounts,
    policy: Policy,
    *,
    cost: Curve | None = None,
    rules: EstimationRules | None = None,
    seed: int = 0,
) -> CohortEstimate:
    """Estimates of a segment from its counts, with percentile intervals from a bootstrap over entrants.

    Parameters
    ----------
    counts : CohortCounts
        The segment's sufficient statistics.
    policy : Policy
        The single policy that the cohort was under; its k, N, G0, G1 and r enter the bounty.
    cost : cost, optional
        The creators' cost, for the certificate; by default the quadratic one that the measured quality implies.
    rules : EstimationRules, optional
        Assumptions and refusals.
    seed : int
        Of the bootstrap.

    Notes
    -----
    Entrants are redrawn with replacement: a multinomial over (bin, successes) cells, the same law as redrawing rows up
    to the proxies within a bin and the slots within a cell, which stay at their means.
    """
    settings = rules or EstimationRules()
    if policy.shape != () or int(policy.n) != counts.n or not 1 <= int(policy.k) <= counts.n:
        raise InputError(f"counts of n = {counts.n} need one policy with that n and 1 <= k <= n, got {policy}")
    k = int(policy.k)
    passes = int(counts.entrants[:, k:].sum())
    refusal = _refusal(counts, passes, settings)
    rate = _pass_rate(passes, counts.total)
    if refusal:
        return _without_numbers(counts.total, rate, refusal)
    cells = counts.entrants.reshape(-1)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(counts.total, cells / counts.total, settings.replicates)
    data = slopes_at_median(counts, counts.entrants[None], k)
    boot = slopes_at_median(counts, drawn.reshape(settings.replicates, *counts.entrants.shape), k)
    numbers = [_numbers(counts, policy, found, settings) for found in (data, boot)]
    found = _described(counts, policy, rate, numbers[0], numbers[1], settings)
    return found if found.reason else _with_responses(found, policy, cost)


def nearby_bars(counts: CohortCounts, bars: Integers) -> tuple[Floats, Floats]:
    """(π̂, π̂′ per unit of proxy) at the median, each (len(bars),), had the bar been another (B.6, step 5)."""
    points = [slopes_at_median(counts, counts.entrants[None], int(bar)) for bar in bars]
    return np.array([p.probability[0] for p in points]), np.array([p.slope[0] for p in points])


@dataclass(frozen=True)
class _Numbers:
    """(r,) arrays."""

    quality: Floats
    probability: Floats
    slope: Floats
    influence: Floats
    bounty: Floats


def _numbers(counts: CohortCounts, policy: Policy, found: Slopes, rules: EstimationRules) -> _Numbers:
    quality = np.full_like(found.slope, counts.median) if rules.proxy_is_quality else found.success_rate
    unit = np.ones_like(found.slope) if rules.proxy_is_quality else found.response
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, influence = found.slope / unit, found.influence / unit
        bounty = _bounty(policy, quality, found.probability, slope)
    return _Numbers(quality, found.probability, slope, influence, np.where(slope > 0, bounty, np.nan))


def _bounty(policy: Policy, quality: Floats, probability: Floats, slope: Floats) -> Floats:
    """``B̂ = (1 − r) [N + G0 + ΔG (π̂ + q̂ π̂′)] / π̂′`` (formulas §3, equation 23)."""
    marginal = policy.mass + policy.g0 + policy.spread * (probability + quality * slope)
    return np.asarray((1.0 - policy.revenue_share) * marginal / slope)


def _described(
    counts: CohortCounts, policy: Policy, rate: Estimate, data: _Numbers, boot: _Numbers, rules: EstimationRules
) -> CohortEstimate:
    def interval(of_data: Floats, of_boot: Floats) -> Estimate:
        return percentile_interval(float(of_data[0]), of_boot)

    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = [numbers.slope / numbers.probability for numbers in (data, boot)]
    slope = interval(data.slope, boot.slope)
    low, high = np.percentile(boot.slope - boot.influence, DISAGREEMENT)
    is_flat = not slope.low > 0
    base = CohortEstimate(
        entrants=counts.total,
        pass_rate=rate,
        quality=interval(data.quality, boot.quality),
        probability=interval(data.probability, boot.probability),
        slope=slope,
        slope_influence=interval(data.influence, boot.influence),
        leverage=interval(*ratios),
        elasticity=interval(data.quality * ratios[0], boot.quality * ratios[1]),
        bounty=NOT_ESTIMATED,
        expected_spend=NOT_ESTIMATED,
        bounty_conservative=float("nan"),
        slopes_agree=bool(low <= 0 <= high),
        cost_fits=False,
        certified=False,
        induced_quality=float("nan"),
        reason="the pass curve is flat at the median: no bounty can be told from its slope" if is_flat else "",
    )
    if is_flat:
        return base
    bounty = interval(data.bounty, boot.bounty)
    weak = _bounty(policy, data.quality, data.probability, rules.attenuation * data.slope)
    return replace(
        base,
        bounty=bounty,
        expected_spend=interval(data.probability * data.bounty, boot.probability * boot.bounty),
        bounty_conservative=float(weak[0]),
    )


def _with_responses(found: CohortEstimate, policy: Policy, cost: Curve | None) -> CohortEstimate:
    """The estimate with what creators of this cost would do."""
    quality = float(np.clip(found.quality.value, 0.0, 1.0))
    used = implied_cost(policy, quality) if cost is None else cost
    fits = found.quality.low - SAME_QUALITY <= best_response(policy, used) <= found.quality.high + SAME_QUALITY
    return replace(
        found,
        cost_fits=bool(fits),
        certified=bool(fits and implementability_bounty(policy, used).certified),
        induced_quality=float(best_response(replace(policy, bounty=np.asarray(found.bounty.value)), used)),
    )


def _pass_rate(passes: int, entrants: int) -> Estimate:
    if entrants == 0:
        return NOT_ESTIMATED
    low, high = wilson_interval(passes, entrants)
    return Estimate(passes / entrants, float(low), float(high))


def _refusal(counts: CohortCounts, passes: int, rules: EstimationRules) -> str:
    """Why no curve should be fitted, or nothing."""
    if counts.total < rules.min_entrants:
        return f"too few entrants: {counts.total}, at least {rules.min_entrants} are needed"
    if passes == 0:
        return "none passed: the data do not show where the bar bites"
    if passes == counts.total:
        return "all passed: the data do not show where the bar bites"
    filled = int((counts.entrants.sum(axis=1) > 0).sum())
    if filled < rules.min_bins:
        return f"the proxy tells entrants apart in {filled} bins only, at least {rules.min_bins} are needed"
    return ""


def _without_numbers(entrants: int, rate: Estimate, reason: str) -> CohortEstimate:
    nothing = NOT_ESTIMATED
    return CohortEstimate(
        entrants=entrants,
        pass_rate=rate,
        quality=nothing,
        probability=nothing,
        slope=nothing,
        slope_influence=nothing,
        leverage=nothing,
        elasticity=nothing,
        bounty=nothing,
        expected_spend=nothing,
        bounty_conservative=float("nan"),
        slopes_agree=False,
        cost_fits=False,
        certified=False,
        induced_quality=float("nan"),
        reason=reason,
    )
