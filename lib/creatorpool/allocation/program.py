"""One pool's allocation: the concave program of S0 §3, solved by its closed form (formulas §2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.arguments import (
    check_parameters,
    checked_bounds,
    checked_impressions,
    checked_pool,
)
from creatorpool.allocation.dual import Rows, Solution, solve_pool
from creatorpool.allocation.kkt import KktResiduals, kkt_residuals
from creatorpool.allocation.objective import Objective, pool_objective, share_totals
from creatorpool.allocation.payout import BOUNDS, Dual, Price, payout_from_dual
from creatorpool.allocation.search import CAPS_FALL_SHORT, FLOORS_EXCEED
from creatorpool.allocation.types import Codes, Floats, ObjectiveName
from creatorpool.errors import InfeasiblePoolError


@dataclass(frozen=True)
class Allocation:
    """A pool's optimal payouts with the evidence."""

    payout: Floats  # (n,), money, in the order given
    bound_code: Codes  # (n,), index into payout.BOUNDS
    iterations: int  # passes over the pool
    dual: Dual
    residuals: KktResiduals

    @property
    def bound(self) -> NDArray[np.str_]:
        """(n,) 'interior', 'floor', 'cap' or 'creator_cap'. A payout at the implicit floor 0 counts as 'floor'."""
        return np.array(BOUNDS)[self.bound_code]

    @property
    def nu(self) -> float:
        """Multiplier of the pool constraint: the objective's gain per unit of money added."""
        return self.dual.nu

    @property
    def max_kkt_residual(self) -> float:
        """Largest violation of the conditions of optimality, money."""
        return self.residuals.worst


def allocate(
    effective_impressions: ArrayLike,
    pool: float,
    *,
    alpha: float,
    lambda_eff: float,
    floor: ArrayLike | None = None,
    cap: ArrayLike | None = None,
    objective: ObjectiveName = "linear",
) -> Allocation:
    r"""Split a pool over its videos: maximise fairness and efficiency under floors and caps (S0 §3, formulas §2).

    Parameters
    ----------
    effective_impressions : (n,) array_like
        M_v = views times quality, finite, >= 0. Only ratios matter.
    pool : float
        P, money (any unit; payouts, floors and caps share it), finite, >= 0.
    alpha : float
        Exponent of the fairness weight w_v = s_v**alpha, in (0, 1].
    lambda_eff : float
        λ_eff in [0, 1]; λ_fair = 1 - λ_eff.
    floor, cap : scalar or (n,) array_like, optional
        Bounds of each payout, money; a cap may be infinite.
    objective : {'linear', 'log'}
        ``linear`` is S0's program, λ_fair Σ w log p + λ_eff Σ s p / P; ``log`` has λ_eff Σ s log p for its second term
        and w / Σw for w (formulas §6.1).

    Returns
    -------
    Allocation
        The same bits per video in whatever order the videos come.

    Raises
    ------
    InputError
        If an argument breaks its rule; the message names the element and the value.
    InfeasiblePoolError
        If the floors sum to more than the pool or the caps to less.

    Notes
    -----
    Stationarity gives p_v = clip(λ_fair w_v / (ν - λ_eff s_v / P), lo_v, hi_v), with ν the one root of Σ p_v = P. Where
    shares alone decide (λ_eff = 1 under ``linear``), the largest are filled to their caps first and equal shares get
    equal payouts inside their bounds. A video without effective impressions gets its floor; only money left when all
    others are at their caps is split equally, inside the bounds, over such videos.
    """
    m = checked_impressions(effective_impressions)
    money = checked_pool(pool)
    check_parameters(alpha, lambda_eff, objective)
    lo, hi = checked_bounds(floor, cap, m.size)
    totals = share_totals(m, float(alpha))
    goal = pool_objective(totals, money, alpha=float(alpha), lambda_eff=float(lambda_eff), name=objective)
    rows = Rows(m, goal.numerators(m), lo, hi)
    solution = solve_pool(goal, rows)
    _check_feasible(solution, rows, money)
    dual = Dual(goal, solution.price, _multiplier(goal, solution.price, rows))
    payout, bound_code = payout_from_dual(dual, m, lo, hi)
    residuals = kkt_residuals(
        payout, dual.nu, m, money, alpha=alpha, lambda_eff=lambda_eff, floor=lo, cap=hi, objective=objective
    )
    return Allocation(payout, bound_code, solution.passes, dual, residuals)


def _check_feasible(solution: Solution, rows: Rows, pool: float) -> None:
    n = rows.numerator.size
    if solution.status == FLOORS_EXCEED:
        floors = math.fsum(np.broadcast_to(rows.floor, n))
        raise InfeasiblePoolError(f"floors of {n} videos must sum to at most the pool {pool}, got {floors}")
    if solution.status == CAPS_FALL_SHORT:
        caps = math.fsum(np.broadcast_to(rows.cap, n))
        raise InfeasiblePoolError(f"caps of {n} videos must sum to at least the pool {pool}, got {caps}")


def _multiplier(objective: Objective, price: Price, rows: Rows) -> float:
    """ν of a price. With all videos at their floors it is the smallest that holds them there."""
    if price.anchor == math.inf:
        with np.errstate(divide="ignore", invalid="ignore"):
            x = objective.scaled(rows.effective_impressions)
            slopes = np.where(rows.numerator > 0, rows.numerator / rows.floor, 0.0) + objective.pole_slope * x
        return objective.nu(0.0, float(slopes.max()))
    return objective.nu(float(price.anchor), 0.0 if price.ranked else float(price.delta))
