"""Exposure and the payoffs of platform, creator and planner at given qualities (formulas §3.4, S4 (4)–(10))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.types import Curve, Floats


@dataclass(frozen=True)
class Payoffs:
    """All terms of the model at quality q, of the shape that q and the policies broadcast to."""

    quality: Floats
    probability: Floats
    """π"""
    slope: Floats
    """π′"""
    exposure: Floats
    """E = N + G0 + ΔG π"""
    marginal_exposure: Floats
    """m = d(qE)/dq = N + G0 + ΔG (π + qπ′): the planner's marginal value of quality"""
    private_gain: Floats
    """r m + Bπ′: the creator's marginal benefit"""
    private_curvature: Floats
    """r ΔG (2π′ + qπ″) + Bπ″: derivative of the marginal benefit"""
    creator: Floats
    """r q E + Bπ − c"""
    platform: Floats
    """V = q E − Bπ"""
    welfare: Floats
    """q E − c: what the planner maximises"""


def payoffs(policy: Policy, cost: Curve, quality: ArrayLike) -> Payoffs:
    """Every term at `quality` (S4 (4)–(10), (21), (51)).

    Parameters
    ----------
    policy : Policy
        One policy or an array of them.
    cost : cost
        The creators' cost.
    quality : array_like
        In [0, 1], of a shape that broadcasts with the policies.

    Raises
    ------
    InputError
        If a quality is outside [0, 1].
    """
    q = checked_numbers("quality", quality, 0.0, 1.0)[()]
    pi, slope, curvature = policy.model.evaluate(q, np.asarray(policy.n), np.asarray(policy.k))
    exposure = policy.mass + policy.g0 + policy.spread * pi
    marginal = policy.mass + policy.g0 + policy.spread * (pi + q * slope)
    value, spend = q * exposure, policy.bounty * pi
    return Payoffs(
        quality=q,
        probability=pi,
        slope=slope,
        exposure=exposure,
        marginal_exposure=marginal,
        private_gain=policy.revenue_share * marginal + policy.bounty * slope,
        private_curvature=policy.revenue_share * policy.spread * (2.0 * slope + q * curvature)
        + policy.bounty * curvature,
        creator=policy.revenue_share * value + spend - cost.value(q),
        platform=value - spend,
        welfare=value - cost.value(q),
    )


def creator_utility(policy: Policy, cost: Curve, quality: Floats, probability: Floats) -> Floats:
    """``U = r q E + Bπ − c`` for a known π (S4 (6))."""
    exposure = policy.mass + policy.g0 + policy.spread * probability
    return policy.revenue_share * quality * exposure + policy.bounty * probability - cost.value(quality)


def leverage(policy: Policy, quality: ArrayLike) -> Floats:
    """``ℓ = π′/π``, by logarithms, so that it is right even if both underflow (formulas §3.4, S4 (17)).

    It falls in q and grows without bound as π → 0 (formulas §6.5). Read it together with the pass rate, π′ and
    `elasticity`. `quality` is in [0, 1], of a shape that broadcasts with the policies.
    """
    log_ratio = policy.model.log_pass_slope(quality, policy.n, policy.k)
    with np.errstate(invalid="ignore"):
        return np.exp(log_ratio - policy.model.log_pass_probability(quality, policy.n, policy.k))


def elasticity(policy: Policy, quality: ArrayLike) -> Floats:
    """``q π′ / π``: the percentage by which one percent of quality raises the pass probability; see `leverage`."""
    return np.asarray(quality, dtype=np.float64) * leverage(policy, quality)


def bounty_beats_subsidy(policy: Policy, quality: ArrayLike) -> np.ndarray:
    """Whether a dollar paid on graduation raises quality more than a dollar paid per success in the test.

    True iff ``q π′ > π`` (formulas §3.4, S4 (20), (36)).
    """
    return np.asarray(elasticity(policy, quality) > 1.0)[()]
