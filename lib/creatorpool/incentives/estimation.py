"""Estimates of passing and bounties from a cohort's counts, or why there are none (formulas §3.10, S4 B.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.bounty import implementability_bounty
from creatorpool.incentives.calibration import implied_cost
from creatorpool.incentives.cohort import CohortCounts
from creatorpool.incentives.exposure import CohortExposure, ExposureTerms, measured_terms, redrawn_terms
from creatorpool.incentives.intervals import NOT_ESTIMATED, Estimate, percentile_interval, wilson_interval
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import best_response
from creatorpool.incentives.slopes import Slopes, slopes_at_median
from creatorpool.incentives.types import Curve, Floats, Integers

# The two slopes disagree if 0 lies outside these percentiles of their difference: by chance in one cohort of a hundred.
DISAGREEMENT = (0.5, 99.5)
# A best response this near the interval of the measured quality agrees with it.
SAME_QUALITY = 1e-3


@dataclass(frozen=True)
class EstimationRules:
    """Assumptions of the estimates, and the least data that they need."""

    min_entrants: int = 200
    min_followed: int = 20
    """entrants needed on each side of the bar, followed after the test, for G0 and G1"""
    min_bins: int = 4
    replicates: int = 1000
    confidence: float = 0.95
    proxy_is_quality: bool = True
    """whether the proxy is on the scale of q; if not, quality is the success chance that the proxy predicts"""
    attenuation: float = 0.8
    """factor on the slope in the conservative bounty"""


@dataclass(frozen=True)
class CohortEstimate:
    """Estimates of one segment; NaN where the data do not suffice, and `reason` says why."""

    entrants: int
    pass_rate: Estimate
    """with its Wilson interval"""
    mass: Estimate = NOT_ESTIMATED
    """N as delivered, or the policy's N if no exposure was counted; likewise G0, G1 and ΔG"""
    g0: Estimate = NOT_ESTIMATED
    g1: Estimate = NOT_ESTIMATED
    spread: Estimate = NOT_ESTIMATED
    quality: Estimate = NOT_ESTIMATED
    """q̂ at the cohort's median"""
    probability: Estimate = NOT_ESTIMATED
    """π̂ at the median"""
    slope: Estimate = NOT_ESTIMATED
    """π̂′ by the monotone curve, per unit of quality"""
    slope_influence: Estimate = NOT_ESTIMATED
    """π̂′ by influence weights"""
    leverage: Estimate = NOT_ESTIMATED
    elasticity: Estimate = NOT_ESTIMATED
    bounty: Estimate = NOT_ESTIMATED
    """B̂ = (1 − r) m̂ / π̂′"""
    expected_spend: Estimate = NOT_ESTIMATED
    """π̂ B̂"""
    bounty_conservative: float = float("nan")
    """B̂ with the slope attenuated"""
    slopes_agree: bool = False
    cost_fits: bool = False
    """whether the measured quality is a best response under the cost, not only a root of the first-order condition"""
    certified: bool = False
    """whether the cost fits and `target_bounty` provably induces the first best"""
    induced_quality: float = float("nan")
    """best response to B̂ under the implied cost"""
    target_quality: float = float("nan")
    """q*: first best under that cost"""
    target_bounty: float = float("nan")
    """B* for q*; `certified` refers to it"""
    target_spend: float = float("nan")
    """π(q*) B*"""
    reason: str = ""
    """why numbers are missing; empty if none are"""

    def policy(self, policy: Policy) -> Policy:
        """`policy` with the N, G0 and G1 of the estimate."""
        mass, g0, g1 = (np.asarray(found.value) for found in (self.mass, self.g0, self.g1))
        return replace(policy, mass=mass, g0=g0, g1=g1)


def estimate_cohort(
    counts: CohortCounts,
    policy: Policy,
    *,
    exposure: CohortExposure | None = None,
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
        The single policy of the cohort; its k, N, G0, G1 and r enter the bounty.
    exposure : CohortExposure, optional
        Exposure of the entrants. If given, N, G0 and G1 are estimated from it, and those of `policy` are not used.
    cost : cost, optional
        The creators' cost, for the certificate; by default the quadratic cost that the measured quality implies.
    rules : EstimationRules, optional
        Assumptions, and the least data needed.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    CohortEstimate
        All that the data allow.

    Raises
    ------
    InputError
        If `policy` is not one policy with the n of the counts, or `exposure` has other cells than the counts.

    Notes
    -----
    The bootstrap redraws entrants with replacement: a multinomial over (bin, successes) cells. This equals redrawing
    rows, except that proxies within a bin and slots within a cell stay at their means. Exposure also varies within
    cells, see `redrawn_terms`.
    """
    settings = rules or EstimationRules()
    if policy.shape != () or int(policy.n) != counts.n or not 1 <= int(policy.k) <= counts.n:
        raise InputError(f"counts of n = {counts.n} need one policy with that n and 1 <= k <= n, got {policy}")
    k = int(policy.k)
    passes = int(counts.entrants[:, k:].sum())
    rate = _pass_rate(passes, counts.total, settings.confidence)
    draws = _drawn(counts, policy, exposure, settings, np.random.default_rng(seed))
    base = _with_exposure(CohortEstimate(counts.total, rate), draws, settings)
    refusal = _refusal(counts, passes, settings)
    if refusal:
        return replace(base, reason=refusal)
    data = slopes_at_median(counts, counts.entrants[None], k)
    boot = slopes_at_median(counts, draws.entrants, k)
    share = float(policy.revenue_share)
    numbers = [
        _numbers(counts, share, terms, found, settings)
        for terms, found in ((draws.terms, data), (draws.redrawn_terms, boot))
    ]
    found = _described(base, numbers[0], numbers[1], settings)
    if found.reason:
        return found
    found = _with_bounty(found, share, draws, numbers[0], numbers[1], settings)
    return found if found.reason else _with_responses(found, found.policy(policy), cost)


def nearby_bars(counts: CohortCounts, bars: Integers, *, proxy_is_quality: bool = True) -> tuple[Floats, Floats]:
    """(π̂, π̂′ per unit of quality) at the median for other bars, each of shape (len(bars),) (S4 B.6 step 5)."""
    points = [slopes_at_median(counts, counts.entrants[None], int(bar)) for bar in bars]
    units = [1.0 if proxy_is_quality else p.response[0] for p in points]
    slopes = [p.slope[0] / unit for p, unit in zip(points, units, strict=True)]
    return np.array([p.probability[0] for p in points]), np.array(slopes)


@dataclass(frozen=True)
class _Draws:
    """The cohort's bootstrap replicates."""

    entrants: Integers
    """(r, b, n + 1)"""
    terms: ExposureTerms
    """of the data, (1,) each"""
    redrawn_terms: ExposureTerms
    """of the replicates, (r,) each"""
    followed: tuple[int, int] | None
    """followed entrants who failed and who passed; None if exposure is not estimated"""


def _drawn(
    counts: CohortCounts,
    policy: Policy,
    exposure: CohortExposure | None,
    rules: EstimationRules,
    rng: np.random.Generator,
) -> _Draws:
    k, shape = int(policy.k), (rules.replicates, *counts.entrants.shape)
    if exposure is None:
        known = ExposureTerms(*(np.array([float(value)]) for value in (policy.mass, policy.g0, policy.g1)))
        return _Draws(_multinomial(counts.entrants, rules.replicates, rng).reshape(shape), known, known, None)
    followed = exposure.after.entrants
    if followed.shape != counts.entrants.shape or (followed > counts.entrants).any():
        raise InputError(
            f"exposure must have the cells of the counts, {counts.entrants.shape}, with no more followed entrants than "
            f"entrants in any, got shape {followed.shape}"
        )
    parts = np.stack([followed, counts.entrants - followed])
    drawn = _multinomial(parts, rules.replicates, rng).reshape(rules.replicates, *parts.shape)
    everyone = drawn.sum(axis=1)
    redrawn = redrawn_terms(exposure, everyone, drawn[:, 0], k, rng)
    sides = int(followed[:, :k].sum()), int(followed[:, k:].sum())
    return _Draws(everyone, measured_terms(exposure, k), redrawn, sides)


def _multinomial(cells: Integers, replicates: int, rng: np.random.Generator) -> Integers:
    """(replicates, cells) redrawn counts; all 0 if there are no entrants."""
    flat = cells.reshape(-1)
    total = int(flat.sum())
    if total == 0:
        return np.zeros((replicates, flat.size), dtype=np.int64)
    # Draw only for filled cells: most cells are empty, and each would cost a draw.
    filled = np.flatnonzero(flat)
    drawn = np.zeros((replicates, flat.size), dtype=np.int64)
    drawn[:, filled] = rng.multinomial(total, flat[filled] / total, replicates)
    return drawn


def _with_exposure(base: CohortEstimate, draws: _Draws, rules: EstimationRules) -> CohortEstimate:
    """Add N, and G0 and G1 for each side of the bar on which enough entrants were followed."""

    def interval(value: Floats, redrawn: Floats) -> Estimate:
        return percentile_interval(float(value[0]), redrawn, rules.confidence)

    now, again = draws.terms, draws.redrawn_terms
    enough = [draws.followed is None or size >= rules.min_followed for size in draws.followed or (0, 0)]
    return replace(
        base,
        mass=interval(now.mass, again.mass),
        g0=interval(now.g0, again.g0) if enough[0] else NOT_ESTIMATED,
        g1=interval(now.g1, again.g1) if enough[1] else NOT_ESTIMATED,
        spread=interval(now.spread, again.spread) if all(enough) else NOT_ESTIMATED,
    )


@dataclass(frozen=True)
class _Numbers:
    """Numbers of r replicates, (r,) arrays."""

    quality: Floats
    probability: Floats
    slope: Floats
    influence: Floats
    bounty: Floats
    rise: Floats
    """slope of the pass curve per unit of the proxy"""
    unit: Floats
    """quality per unit of the proxy"""


def _numbers(
    counts: CohortCounts, share: float, terms: ExposureTerms, found: Slopes, rules: EstimationRules
) -> _Numbers:
    quality = np.full_like(found.slope, counts.median) if rules.proxy_is_quality else found.success_rate
    unit = np.ones_like(found.slope) if rules.proxy_is_quality else found.response
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, influence = found.slope / unit, found.influence / unit
        bounty = _bounty(share, terms, quality, found.probability, slope)
    known = np.where(slope > 0, bounty, np.nan)
    return _Numbers(quality, found.probability, slope, influence, known, found.slope, unit)


def _bounty(share: float, terms: ExposureTerms, quality: Floats, probability: Floats, slope: Floats) -> Floats:
    """``B̂ = (1 − r) [N + G0 + ΔG (π̂ + q̂ π̂′)] / π̂′`` (formulas §3.10, S4 (23))."""
    marginal = terms.mass + terms.g0 + terms.spread * (probability + quality * slope)
    return np.asarray((1.0 - share) * marginal / slope)


def _described(base: CohortEstimate, data: _Numbers, boot: _Numbers, rules: EstimationRules) -> CohortEstimate:
    def interval(of_data: Floats, of_boot: Floats) -> Estimate:
        return percentile_interval(float(of_data[0]), of_boot, rules.confidence)

    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = [numbers.slope / numbers.probability for numbers in (data, boot)]
    found = replace(
        base, quality=interval(data.quality, boot.quality), probability=interval(data.probability, boot.probability)
    )
    if not interval(data.unit, boot.unit).low > 0:
        # Both slopes may be 0, so that their ratio means nothing.
        return replace(found, reason="successes do not rise with the proxy, so it does not predict entrants' quality")
    low, high = np.percentile(boot.slope - boot.influence, DISAGREEMENT)
    is_flat = not interval(data.rise, boot.rise).low > 0
    return replace(
        found,
        slope=interval(data.slope, boot.slope),
        slope_influence=interval(data.influence, boot.influence),
        leverage=interval(*ratios),
        elasticity=interval(data.quality * ratios[0], boot.quality * ratios[1]),
        slopes_agree=bool(low <= 0 <= high),
        reason="the pass curve is flat at the median, so its slope determines no bounty" if is_flat else "",
    )


def _with_bounty(
    found: CohortEstimate, share: float, draws: _Draws, data: _Numbers, boot: _Numbers, rules: EstimationRules
) -> CohortEstimate:
    """Add B̂ and its spend, or the reason why there is no bounty."""
    if np.isnan(found.spread.value):
        failed, passed = draws.followed or (0, 0)
        return replace(
            found,
            reason=f"too few entrants were followed after the test: {failed} who failed and {passed} who passed, "
            f"at least {rules.min_followed} of each are needed for a bounty",
        )
    if not data.bounty[0] >= 0:
        return replace(found, reason="quality brings no exposure under these terms, so there is no bounty")
    weak = _bounty(share, draws.terms, data.quality, data.probability, rules.attenuation * data.slope)
    # A bounty is never negative, but a replicate's exposure can make the formula negative.
    redrawn = np.maximum(boot.bounty, 0.0)
    return replace(
        found,
        bounty=percentile_interval(float(data.bounty[0]), redrawn, rules.confidence),
        expected_spend=percentile_interval(
            float(data.probability[0] * data.bounty[0]), boot.probability * redrawn, rules.confidence
        ),
        bounty_conservative=float(weak[0]),
    )


def _with_responses(found: CohortEstimate, policy: Policy, cost: Curve | None) -> CohortEstimate:
    """Add the responses of creators who have this cost."""
    quality = float(np.clip(found.quality.value, 0.0, 1.0))
    used = implied_cost(policy, quality) if cost is None else cost
    fits = found.quality.low - SAME_QUALITY <= best_response(policy, used) <= found.quality.high + SAME_QUALITY
    target = implementability_bounty(policy, used)
    is_finite = bool(np.isfinite(target.bounty))
    return replace(
        found,
        cost_fits=bool(fits),
        certified=bool(fits and target.certified),
        induced_quality=float(best_response(replace(policy, bounty=np.asarray(found.bounty.value)), used)),
        target_quality=float(target.target_quality),
        target_bounty=float(target.bounty) if is_finite else float("nan"),
        target_spend=float(target.expected_spend) if is_finite else float("nan"),
    )


def _pass_rate(passes: int, entrants: int, confidence: float) -> Estimate:
    if entrants == 0:
        return NOT_ESTIMATED
    low, high = wilson_interval(passes, entrants, confidence)
    return Estimate(passes / entrants, float(low), float(high))


def _refusal(counts: CohortCounts, passes: int, rules: EstimationRules) -> str:
    """Why no curve is fitted; empty if one is."""
    if counts.total < rules.min_entrants:
        return f"too few entrants: {counts.total}, at least {rules.min_entrants} are needed"
    if passes == 0:
        return "none passed: the data do not show the effect of the bar"
    if passes == counts.total:
        return "all passed: the data do not show the effect of the bar"
    filled = int((counts.entrants.sum(axis=1) > 0).sum())
    if filled < rules.min_bins:
        return f"the proxy separates only {filled} bins of entrants, at least {rules.min_bins} are needed"
    return ""
