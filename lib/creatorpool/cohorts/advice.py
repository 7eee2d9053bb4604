"""Rows of policy_advice: the policies that the estimates advise under the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from creatorpool.cohorts.advice_words import PolicyChange, advice_sentence
from creatorpool.cohorts.rows import Record, or_none
from creatorpool.cohorts.segments import SegmentCohort
from creatorpool.cohorts.success_value import SuccessValue
from creatorpool.incentives.balancing import Balance, balance
from creatorpool.incentives.calibration import implied_cost
from creatorpool.incentives.costs import QuadraticCost
from creatorpool.incentives.estimation import CohortEstimate
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.payoffs import Payoffs, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.statics import gains_at
from creatorpool.settings import IncentiveSettings

WORTHWHILE = 1e-3
"""Least gain of the platform, as a share of its value today, for which changes are advised"""

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
    cohorts: Sequence[SegmentCohort],
    estimates: Sequence[CohortEstimate],
    settings: IncentiveSettings,
    success: SuccessValue | None = None,
) -> list[Record]:
    """One row per segment, in the order of `cohorts`: its balanced policy, or the reason why it has none.

    `success` is the value of one success in money, for the words of the advice.
    """
    rows, advised = {}, []
    for cohort, found in zip(cohorts, estimates, strict=True):
        reason = found.reason or ("" if found.cost_fits else NO_COST)
        rows[cohort.segment] = _current(cohort, found, settings) | {"reason": reason}
        if not reason:
            advised.append(_advised(cohort, found, settings))
    if advised:
        balanced, used = _balanced(advised, settings)
        for position, segment in enumerate(advised):
            rows[segment.cohort.segment] |= _advice(segment, balanced, position, used, success)
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
    """The balanced policies and the budgets; a budget that is not configured is today's use.

    Today's policies stay if they are within the budgets and no others bring the platform more than `WORTHWHILE`.
    """
    entered = np.array([segment.cohort.entered for segment in advised], dtype=np.float64)
    shares = entered / entered.sum()
    mass = float(shares @ [float(segment.policy.mass) for segment in advised])
    spend = float(shares @ [_spend(segment) for segment in advised])
    limits = (settings.impressions_per_entrant, settings.cash_per_entrant)
    budgets = Budgets(*(now if limit is None else limit for limit, now in zip(limits, (mass, spend), strict=True)))
    policies, costs = [segment.policy for segment in advised], [segment.cost for segment in advised]
    found = balance(policies, shares, budgets, costs)
    value = float(shares @ [float(segment.today.platform) for segment in advised])
    is_affordable = mass <= budgets.impressions and spend <= budgets.cash
    if is_affordable and found.value - value <= WORTHWHILE * abs(value):
        qualities = np.array([float(segment.today.quality) for segment in advised])
        found = replace(found, policies=tuple(policies), quality=qualities, value=value)
    return found, budgets


def _spend(segment: AdvisedSegment) -> float:
    return float(segment.policy.bounty * segment.today.probability)


def _advice(
    segment: AdvisedSegment, balanced: Balance, position: int, budgets: Budgets, success: SuccessValue | None
) -> Record:
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
        "reason": advice_sentence(PolicyChange(segment.policy, new, segment.today, then), budgets, success),
    }
