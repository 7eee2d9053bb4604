"""Derivatives of the chosen quality and of the platform's value in each instrument (formulas §3.6, S4 (50)–(55))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.incentives.payoffs import Payoffs, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import best_response
from creatorpool.incentives.types import Curve, Floats


@dataclass(frozen=True)
class ComparativeStatics:
    """Derivatives of the best response q̂ in the instruments; all 0 where q̂ is a corner."""

    quality: Floats
    """q̂"""
    in_mass: Floats
    """∂q̂/∂N = r/D"""
    in_bounty: Floats
    """∂q̂/∂B = π′/D"""
    in_revenue_share: Floats
    """∂q̂/∂r = m/D"""
    in_spread: Floats
    """∂q̂/∂ΔG = r(π + qπ′)/D at constant G0"""
    gap_curvature: Floats
    """D = c″ − [r ΔG (2π′ + qπ″) + Bπ″], > 0 at an interior maximum"""


@dataclass(frozen=True)
class MarginalGains:
    """Platform value of one more unit of each resource, and the cash that it uses."""

    quality: Floats
    """q̂"""
    mv_n: Floats
    """MV_N: dV/dN, value per discounted impression"""
    mv_b: Floats
    """MV_B: dV/dB over d(Bπ)/dB, value per expected dollar; NaN where the bounty does not change the spend"""
    value_per_bounty: Floats
    """dV/dB"""
    spend_per_bounty: Floats
    """d(Bπ)/dB"""
    spend_per_mass: Floats
    """d(Bπ)/dN: impressions raise quality, and with it the payout"""


def comparative_statics(policy: Policy, cost: Curve) -> ComparativeStatics:
    """Derivatives of the best response (formulas §3.6, S4 (50), (51)); arguments as in `best_response`.

    They follow the creator's current peak. Where a rival peak takes over, the response jumps and has no derivative.
    """
    at = payoffs(policy, cost, best_response(policy, cost))
    curvature, per_unit = _gap_curvature(cost, at)
    r = policy.revenue_share
    return ComparativeStatics(
        quality=at.quality,
        in_mass=np.asarray(r * per_unit)[()],
        in_bounty=np.asarray(at.slope * per_unit)[()],
        in_revenue_share=np.asarray(at.marginal_exposure * per_unit)[()],
        in_spread=np.asarray(r * (at.probability + at.quality * at.slope) * per_unit)[()],
        gap_curvature=np.asarray(curvature)[()],
    )


def marginal_gains(policy: Policy, cost: Curve) -> tuple[Floats, Floats]:
    """(MV_N, MV_B): platform value per discounted impression, and per expected bounty dollar, at the best response.

    ``MV_N = q̂ + V_q r/D`` and ``MV_B = (−π + V_q π′/D) / (π + Bπ′²/D)`` with ``V_q = m(q̂) − Bπ′`` (formulas §3.6,
    S4 (52)–(55)). Arguments as in `best_response`; `marginal_gains_in_full` returns the parts.
    """
    gains = marginal_gains_in_full(policy, cost)
    return gains.mv_n, gains.mv_b


def marginal_gains_in_full(policy: Policy, cost: Curve) -> MarginalGains:
    """As `marginal_gains`, with the terms that the Kuhn–Tucker conditions of `balance` need."""
    return gains_at(policy, cost, payoffs(policy, cost, best_response(policy, cost)))


def gains_at(policy: Policy, cost: Curve, at: Payoffs) -> MarginalGains:
    """The marginal gains along the peak of utility at `at`, whether it is the best response or not."""
    _, per_unit = _gap_curvature(cost, at)
    quality_value = at.marginal_exposure - policy.bounty * at.slope
    mv_n = at.quality + quality_value * policy.revenue_share * per_unit
    value_per_bounty = -at.probability + quality_value * at.slope * per_unit
    spend_per_bounty = at.probability + policy.bounty * at.slope**2 * per_unit
    moves = spend_per_bounty > 0
    mv_b = np.where(moves, value_per_bounty / np.where(moves, spend_per_bounty, 1.0), np.nan)
    spend_per_mass = policy.bounty * at.slope * policy.revenue_share * per_unit
    parts = (at.quality, mv_n, mv_b, value_per_bounty, spend_per_bounty, spend_per_mass)
    return MarginalGains(*(np.asarray(part)[()] for part in parts))


def _gap_curvature(cost: Curve, at: Payoffs) -> tuple[Floats, Floats]:
    """The gap curvature D, and 1/D; 0 in place of 1/D where q̂ is a corner or D is not > 0."""
    curvature = cost.curvature(at.quality) - at.private_curvature
    interior = (at.quality > 0) & (at.quality < 1) & (curvature > 0)
    return curvature, np.where(interior, 1.0 / np.where(interior, curvature, 1.0), 0.0)
