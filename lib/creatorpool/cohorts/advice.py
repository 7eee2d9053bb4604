"""Rows of policy_advice: the policies that the estimates advise under the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from creatorpool.cohorts.rows import Record, or_none
from creatorpool.cohorts.segments import SegmentCohort
from creatorpool.incentives.balancing import Balance, balance
from creatorpool.incentives.calibration import implied_cost
from creatorpool.incentives.costs import QuadraticCost
from creatorpool.incentives.estimation import CohortEstimate
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.payoffs import Payoffs, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.statics import gains_at
from creatorpool.settings import IncentiveSettings

RELATIVE_TOLERANCE = 1e-6
"""A smaller relative change of n, k, N or B counts as none."""

NO_COST = (
    "no cost κq²/2 makes the measured quality a best response under these terms: set the creators' cost, "
    "incentives.segments.<name>.cost_kappa, so that their response to another policy can be computed"
)


@dataclass(frozen=True)
class AdvisedSegment:
    """One segment whose estimates suffice for advice."""

    cohort: SegmentCohort
    policy: Policy
    """today's policy with the measured exposure"""
    cost: QuadraticCost
    today: Payoffs
    """payoffs at the measured quality"""


def segment_cost(cohort: SegmentCohort, settings: IncentiveSettings) -> QuadraticCost | None:
    """The configured cost of the segment's creators, or None."""
    kappa = settings.kappa_of(cohort.segment)
    return None if kappa is None else QuadraticCost(kappa)


def advice_records(
    cohorts: Sequence[SegmentCohort], estimates: Sequence[CohortEstimate], settings: IncentiveSettings
) -> list[Record]:
    """One row per segment, in the order of `cohorts`: its balanced policy, or the reason why it has none."""
    rows, advised = {}, []
    for cohort, found in zip(cohorts, estimates, strict=True):
        reason = found.reason or ("" if found.cost_fits else NO_COST)
        rows[cohort.segment] = _current(cohort, found, settings) | {"reason": reason}
        if not reason:
            advised.append(_advised(cohort, found, settings))
    if advised:
        balanced, used = _balanced(advised, settings)
        for position, segment in enumerate(advised):
            rows[segment.cohort.segment] |= _advice(segment, balanced, position, used)
    return [rows[cohort.segment] for cohort in cohorts]


def _current(cohort: SegmentCohort, found: CohortEstimate, settings: IncentiveSettings) -> Record:
    unknown = ("advised_n", "advised_k", "advised_mass", "advised_bounty", "advised_quality", "advised_value")
    prices = ("mv_n", "mv_b", "lambda_imp", "lambda_cash", "exchange_rate", "incentive_price")
    spends = ("current_value", "current_spend", "advised_spend")
    return dict.fromkeys((*unknown, *prices, *spends)) | {
        "segment": cohort.segment,
        "current_n": cohort.window_n,
        "current_k": cohort.threshold_k,
        "current_mass": or_none(found.mass.value),
        "current_bounty": settings.bounty_of(cohort.segment),
        "current_quality": or_none(found.quality.value),
    }


def _advised(cohort: SegmentCohort, found: CohortEstimate, settings: IncentiveSettings) -> AdvisedSegment:
    policy = found.policy(cohort.policy(settings.bounty_of(cohort.segment)))
    cost = segment_cost(cohort, settings) or implied_cost(policy, found.quality.value)
    return AdvisedSegment(cohort, policy, cost, payoffs(policy, cost, found.quality.value))


def _balanced(advised: Sequence[AdvisedSegment], settings: IncentiveSettings) -> tuple[Balance, Budgets]:
    """The balanced policies and the budgets; a budget that is not configured is today's use."""
    entered = np.array([segment.cohort.entered for segment in advised], dtype=np.float64)
    shares = entered / entered.sum()
    mass = float(shares @ [float(segment.policy.mass) for segment in advised])
    spend = float(shares @ [_spend(segment) for segment in advised])
    limits = (settings.impressions_per_entrant, settings.cash_per_entrant)
    budgets = Budgets(*(now if limit is None else limit for limit, now in zip(limits, (mass, spend), strict=True)))
    policies, costs = [segment.policy for segment in advised], [segment.cost for segment in advised]
    return balance(policies, shares, budgets, costs), budgets


def _spend(segment: AdvisedSegment) -> float:
    return float(segment.policy.bounty * segment.today.probability)


def _advice(segment: AdvisedSegment, balanced: Balance, position: int, budgets: Budgets) -> Record:
    new, quality, prices = balanced.policies[position], float(balanced.quality[position]), balanced.prices
    gains = gains_at(segment.policy, segment.cost, segment.today)
    then = payoffs(new, segment.cost, quality)
    mv_n, mv_b = float(gains.mv_n), float(gains.mv_b)
    return {
        "advised_n": int(new.n),
        "advised_k": int(new.k),
        "advised_mass": float(new.mass),
        "advised_bounty": float(new.bounty),
        "advised_quality": quality,
        "current_value": float(segment.today.platform),
        "advised_value": float(then.platform),
        "current_spend": _spend(segment),
        "advised_spend": float(new.bounty * then.probability),
        "mv_n": or_none(mv_n),
        "mv_b": or_none(mv_b),
        "lambda_imp": float(prices.lambda_imp),
        "lambda_cash": float(prices.lambda_cash),
        "exchange_rate": mv_n / mv_b if mv_b > 0 else None,
        "incentive_price": float(prices.incentive[position]),
        "reason": _why(segment, new, quality, float(then.platform), budgets),
    }


def _why(segment: AdvisedSegment, new: Policy, quality: float, value: float, budgets: Budgets) -> str:
    """The advice in one sentence."""
    limits = f"budgets of {budgets.impressions:.4g} impressions and {budgets.cash:.4g} of bounty an entrant"
    old, gain = segment.policy, value - float(segment.today.platform)
    names = {"n": "n", "k": "k", "mass": "N", "bounty": "B"}
    changes = [
        f"{short} {float(getattr(old, name)):.4g} → {float(getattr(new, name)):.4g}"
        for name, short in names.items()
        if abs(float(getattr(new, name)) - float(getattr(old, name)))
        > RELATIVE_TOLERANCE * (1.0 + abs(float(getattr(old, name))))
    ]
    if not changes:
        return f"today's policy is the best within {limits}"
    answer = f"creators answer with quality {float(segment.today.quality):.3f} → {quality:.3f}"
    return f"{', '.join(changes)}: {answer}, the platform's value an entrant changes by {gain:+.4g}; within {limits}"
