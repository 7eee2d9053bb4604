"""The bounty that makes creators choose the planner's quality, with a certificate (formulas §3.5, §6.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from creatorpool.incentives.payoffs import payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import certified_response, planner
from creatorpool.incentives.types import Booleans, Curve, Floats

# The induced quality may differ from the target by the float error of B* and of the maximum.
TARGET_TOLERANCE = 1e-5
# A bounty can be much larger than all other payoffs; a looser proof would leave room for another peak.
PROOF = 1e-8
# Best responses closer together than this count as one.
ONE_PEAK = 0.02


@dataclass(frozen=True)
class BountyCertificate:
    """Implementability bounties, one per policy, of the policies' shape."""

    bounty: Floats
    """B*; inf where the pass probability does not respond to quality at the target"""
    target_quality: Floats
    """q*: the planner's quality"""
    induced_quality: Floats
    """q̂: the best response to B*; NaN where B* is infinite"""
    certified: Booleans
    """whether B* provably induces q*; if not, do not offer it"""
    expected_spend: Floats
    """π(q*) B*: the expected payout per entrant if creators choose q*"""
    induced_spend: Floats
    """π(q̂) B*: the expected payout per entrant at the quality that creators choose"""


def implementability_bounty(policy: Policy, cost: Curve) -> BountyCertificate:
    """``B* = (1 − r) m(q*) / π′(q*)`` and whether it induces q* (formulas §3.5, S4 (11), (12), (23), (39)).

    Parameters
    ----------
    policy : Policy
        One policy or an array of them. The function ignores its bounty.
    cost : QuadraticCost, PowerCost or any object with `value`, `slope` and `curvature`
        The creators' cost, convex.

    Returns
    -------
    BountyCertificate
        At the corner q* = 1 the bounty is the least that keeps the creator there; at q* = 0 it is 0.

    Notes
    -----
    The formula only makes q* a critical point of the creator's utility. Another quality may pay better under the same
    bounty (formulas §6.4). The bounty is certified iff a global search finds every best response at q*.
    """
    target = certified_response(planner(policy), cost, PROOF)
    goal = np.asarray(target.quality)
    at_goal = payoffs(policy, cost, goal)
    needed = np.minimum(at_goal.marginal_exposure, cost.slope(goal)) - policy.revenue_share * at_goal.marginal_exposure
    needed = np.where(goal > 0, np.maximum(needed, 0.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bounty = np.where(needed > 0, needed / at_goal.slope, 0.0)
    finite = np.isfinite(bounty)
    response = certified_response(replace(policy, bounty=np.where(finite, bounty, 0.0)), cost, PROOF)
    induced = np.where(finite, response.quality, np.nan)
    closed = finite & response.certified & target.certified
    is_one = response.high - response.low <= ONE_PEAK
    meets = np.asarray(closed & is_one & (np.abs(response.quality - goal) <= TARGET_TOLERANCE))
    paid = policy.model.pass_probability(response.quality, policy.n, policy.k)
    with np.errstate(invalid="ignore"):
        planned, really = at_goal.probability * bounty, np.where(finite, paid * bounty, np.nan)
    return BountyCertificate(
        bounty=bounty[()],
        target_quality=goal[()],
        induced_quality=induced[()],
        certified=meets[()],
        expected_spend=planned[()],
        induced_spend=really[()],
    )
