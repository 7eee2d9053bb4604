"""Shadow prices of the budgets, and distances from the Kuhn–Tucker conditions (formulas §3.8, S4 D.2–D.4).

The cash used is the payout Bπ(q̂). Impressions also cost cash, because they raise quality and with it the pass rate. At
an interior optimum where the creator's choice is smooth, the conditions are therefore

    MV_N = λ_imp + λ_cash · Bπ′ r/D    and    MV_B = λ_cash

S4 (56) omits the term Bπ′ r/D, although the derivative of S4's own Lagrangian has it (formulas §6.9). At the edge at
which creators change to a rival peak (formulas §6.4) there is a further multiplier μ >= 0, on the creator's lead
U(q̂) − U(q′): μ times the lead's gradient (r(q̂ − q′), π(q̂) − π(q′)) adds to MV_N and dV/dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.statics import MarginalGains
from creatorpool.incentives.types import Floats

# A budget of which more than this part is unused has no price.
SLACK = 1e-6


@dataclass(frozen=True)
class ShadowPrices:
    """Common prices with two residuals, both 0 at an exact optimum."""

    lambda_imp: float
    """value of one more discounted impression per entrant"""
    lambda_cash: float
    """value of one more expected dollar per entrant"""
    incentive: Floats
    """(s,) μ: price of keeping each segment's creators on the peak that its policy relies on; 0 away from the edge"""
    stationarity: float
    """largest violation of a first-order condition, in value per unit of mass or bounty"""
    feasibility: float
    """largest excess over a budget, as a part of it"""

    @property
    def exchange_rate(self) -> float:
        """Dollars worth one impression, λ_imp/λ_cash; inf if cash has no price, NaN if neither has one."""
        if self.lambda_cash == 0:
            return float("nan") if self.lambda_imp == 0 else float("inf")
        return self.lambda_imp / self.lambda_cash


class PricedPoint(NamedTuple):
    """A segment at its policy."""

    gains: MarginalGains
    lead_gradient: Floats | None
    """(2,) gradient of the creator's lead in mass and bounty if the creator is about to change peak, else None"""


def shadow_prices(points: Sequence[PricedPoint], used: Budgets, budgets: Budgets, at_bound: Floats) -> ShadowPrices:
    """The prices that minimise the largest violation of the Kuhn–Tucker conditions, by a linear program.

    Parameters
    ----------
    points : sequence of s PricedPoint
        Each segment at its policy.
    used, budgets : Budgets
        Used and available impressions and cash, per entrant.
    at_bound : (s, 2) array
        For mass and bounty: −1 at the lower bound, 1 at the upper, 0 between.

    Returns
    -------
    ShadowPrices
    """
    size = len(points)
    rows: list[Floats] = []
    limits: list[float] = []
    for s, (point, bounds) in enumerate(zip(points, at_bound, strict=True)):
        for (value, uses), bound in zip(_conditions(point, s, size), bounds, strict=True):
            # value − prices · uses must be <= 0, except at the upper bound, and >= 0, except at the lower bound.
            if bound <= 0:
                rows.append(np.append(-uses, -1.0))
                limits.append(-value)
            if bound >= 0:
                rows.append(np.append(uses, -1.0))
                limits.append(value)
    is_free = [
        *(use >= limit * (1 - SLACK) for use, limit in zip(used, budgets, strict=True)),
        *(point.lead_gradient is not None for point in points),
    ]
    price_bounds = [*((0.0, None if free else 0.0) for free in is_free), (0.0, None)]
    answer = linprog(np.append(np.zeros(2 + size), 1.0), A_ub=np.array(rows), b_ub=limits, bounds=price_bounds)
    excess = max((use - limit) / max(limit, SLACK) for use, limit in zip(used, budgets, strict=True))
    return ShadowPrices(
        lambda_imp=float(answer.x[0]),
        lambda_cash=float(answer.x[1]),
        incentive=np.asarray(answer.x[2:-1]),
        stationarity=float(answer.x[-1]),
        feasibility=max(0.0, float(excess)),
    )


def _conditions(point: PricedPoint, s: int, size: int) -> list[tuple[float, Floats]]:
    """(value, uses) per unit of mass and per unit of bounty; a point is stationary if value = prices · uses.

    The second is per unit of bounty, not per dollar spent: if almost nobody passes, the value per dollar is huge but no
    dollar can be spent.
    """
    gains = point.gains
    incentive = np.zeros((2, size))
    if point.lead_gradient is not None:
        incentive[:, s] = -point.lead_gradient
    return [
        (float(gains.mv_n), np.concatenate([[1.0, gains.spend_per_mass], incentive[0]])),
        (float(gains.value_per_bounty), np.concatenate([[0.0, gains.spend_per_bounty], incentive[1]])),
    ]
