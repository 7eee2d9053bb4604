"""Estimates of a segment as rows of cohort_incentives and continuation_values; unknown values are null."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from creatorpool.cohorts.segments import SegmentCohort
from creatorpool.errors import InputError
from creatorpool.incentives.continuation import ContinuationEstimate
from creatorpool.incentives.diagnostics import band_separation
from creatorpool.incentives.estimation import CohortEstimate, EstimationRules, nearby_bars
from creatorpool.incentives.intervals import Estimate, normal_quantile
from creatorpool.incentives.pass_curve import monotone_curve
from creatorpool.incentives.replayed import replayed_values

REALISED = "realised"
"""Method: exposure as logged, under the engine that made the logs."""

REPLAYS: Mapping[str, bool] = {"propensity": False, "self-normalised": True}
"""Methods that weight impressions by target/propensity, and whether they normalise the weights."""

DOUBLY_ROBUST = "doubly-robust"
NO_OFFERS = (
    "events hold shown impressions only: a doubly robust value needs those offered and not shown as well "
    "(creatorpool.incentives.replay_value)"
)
BARS_BESIDE = 2

Record = dict[str, Any]

_ESTIMATES = {
    "pass_rate": "pass_rate",
    "pi_hat": "probability",
    "slope_hat": "slope",
    "slope_influence": "slope_influence",
    "leverage": "leverage",
    "elasticity": "elasticity",
    "bounty_hat": "bounty",
    "expected_spend": "expected_spend",
    "discounted_mass": "mass",
    "quality_hat": "quality",
}
_NUMBERS = ("bounty_conservative", "induced_quality", "target_quality", "target_bounty", "target_spend")


def incentive_record(cohort: SegmentCohort, found: CohortEstimate, rules: EstimationRules) -> Record:
    """The segment's row of cohort_incentives without its date."""
    has_bounty, has_slope = not np.isnan(found.bounty.value), not np.isnan(found.slope.value)
    row: Record = {
        "segment": cohort.segment,
        "entrants": found.entrants,
        "window_n": cohort.window_n,
        "threshold_k": cohort.threshold_k,
        "revenue_share": cohort.revenue_share,
        "unfinished": cohort.unfinished,
        "other_terms": cohort.other_terms,
        "certified": found.certified if has_bounty else None,
        "slopes_agree": found.slopes_agree if has_slope else None,
        "pass_curve": _pass_curve(cohort) if found.entrants else None,
        "nearby_bars": _nearby_bars(cohort, rules) if has_slope else None,
        "reason": _reason(cohort, found) or None,
    }
    for column, name in _ESTIMATES.items():
        row |= interval_columns(column, getattr(found, name))
    return row | {name: or_none(getattr(found, name)) for name in _NUMBERS}


def continuation_records(cohort: SegmentCohort, found: CohortEstimate, confidence: float) -> list[Record]:
    """The segment's rows of continuation_values, one per method, without their date."""
    failed, passed = cohort.side(False).entrants, cohort.side(True).entrants
    shared = {
        "segment": cohort.segment,
        "failed": failed,
        "passed": passed,
        "stability": or_none(_stability(cohort)),
        "band_separation": or_none(_band_separation(cohort)),
    }
    followed = f"too few entrants were followed over the whole horizon: {failed} failed and {passed} passed"
    values = {"g0": found.g0, "g1": found.g1, "spread": found.spread}
    rows = [_values(REALISED, values, "" if not np.isnan(found.spread.value) else followed)]
    for method, normalised in REPLAYS.items():
        reason = followed if np.isnan(found.spread.value) else _replay_refusal(cohort)
        if not reason:
            try:
                values = _replayed(cohort, normalised, confidence)
            except InputError as error:
                reason = str(error)
        rows.append(_values(method, {} if reason else values, reason))
    rows.append(_values(DOUBLY_ROBUST, {}, NO_OFFERS))
    return [shared | row for row in rows]


def interval_columns(name: str, estimate: Estimate) -> Record:
    """The columns of an estimate: `name`, `name`_lo and `name`_hi."""
    return {
        name: or_none(estimate.value),
        f"{name}_lo": or_none(estimate.low),
        f"{name}_hi": or_none(estimate.high),
    }


def or_none(number: float) -> float | None:
    """`number`, or None if it is not finite."""
    return float(number) if np.isfinite(number) else None


def _reason(cohort: SegmentCohort, found: CohortEstimate) -> str:
    if found.entrants == 0 and cohort.entered:
        return f"no finished test among {cohort.entered} entrants"
    return found.reason


def _values(method: str, values: Mapping[str, Estimate], reason: str) -> Record:
    row: Record = {"method": method, "reason": reason or None}
    for name in ("g0", "g1", "spread"):
        row |= interval_columns(name, values.get(name, Estimate(*[float("nan")] * 3)))
    return row


def _replay_refusal(cohort: SegmentCohort) -> str:
    if cohort.shown == 0:
        return "no impression after the test was logged"
    if cohort.unlogged:
        return f"{cohort.unlogged} of {cohort.shown} impressions after the test have no propensity"
    return ""


def _replayed(cohort: SegmentCohort, normalised: bool, confidence: float) -> dict[str, Estimate]:
    found = replayed_values(cohort.side(False), cohort.side(True), normalised=normalised)
    reach = normal_quantile(confidence)
    return {name: _normal(found, name, reach) for name in ("g0", "g1", "spread")}


def _normal(found: ContinuationEstimate, name: str, z: float) -> Estimate:
    value, error = float(getattr(found, name)), float(getattr(found, f"{name}_error"))
    low = value - z * error
    return Estimate(value, low if name == "spread" else max(low, 0.0), value + z * error)


def _stability(cohort: SegmentCohort) -> float:
    """Relative change of ΔG from the earlier to the later half of the followed entrants.

    NaN if fewer than two entrants of a half passed or failed, or ΔG of the earlier half is 0.
    """
    spreads = []
    for is_late in (False, True):
        sides = [cohort.side(passed, "exposure", is_late) for passed in (False, True)]
        if min(side.entrants for side in sides) < 2:
            return float("nan")
        spreads.append(float(sides[1].mean[0] - sides[0].mean[0]))
    return (spreads[1] - spreads[0]) / abs(spreads[0]) if spreads[0] else float("nan")


def _band_separation(cohort: SegmentCohort) -> float:
    """Gap of the posterior means after pass and fail under a uniform prior; NaN if fewer than two passed or failed."""
    by_successes = cohort.counts.entrants.sum(axis=0)
    successes = np.repeat(np.arange(by_successes.size), by_successes)
    passed = successes >= cohort.threshold_k
    if min(int(passed.sum()), int((~passed).sum())) < 2:
        return float("nan")
    return band_separation((1.0 + successes) / (2.0 + cohort.window_n), passed)


def _pass_curve(cohort: SegmentCohort) -> str:
    counts = cohort.counts
    try:
        fitted = monotone_curve(counts, cohort.threshold_k)(counts.proxy)
    except InputError:  # the pass rates do not rise with the proxy, so no curve is fitted
        fitted = np.full(counts.proxy.size, np.nan)
    size, passes = counts.entrants.sum(axis=1), counts.entrants[:, cohort.threshold_k :].sum(axis=1)
    rows = zip(counts.proxy, size, passes, fitted, strict=True)
    return json.dumps(
        [{"proxy": float(x), "entrants": int(m), "passes": int(s), "fitted": or_none(f)} for x, m, s, f in rows]
    )


def _nearby_bars(cohort: SegmentCohort, rules: EstimationRules) -> str:
    k, n = cohort.threshold_k, cohort.window_n
    bars = np.arange(max(1, k - BARS_BESIDE), min(n, k + BARS_BESIDE) + 1)
    found = zip(bars, *nearby_bars(cohort.counts, bars, proxy_is_quality=rules.proxy_is_quality), strict=True)
    return json.dumps([{"k": int(bar), "pi_hat": or_none(pi), "slope_hat": or_none(slope)} for bar, pi, slope in found])
