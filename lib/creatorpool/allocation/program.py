"""One pool's allocation: the concave program of S0 §3, solved by its closed form (formulas §2.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.arguments import check_parameters, checked_pool, checked_videos
from creatorpool.allocation.creator_caps import CreatorCaps, checked_creator_caps
from creatorpool.allocation.creators import solve_capped_creators
from creatorpool.allocation.dual import Rows, Solution, multiplier, solve_pool
from creatorpool.allocation.kkt import KktResiduals, residuals_of
from creatorpool.allocation.objective import pool_objective, share_totals
from creatorpool.allocation.payout import BOUNDS, Dual, pay_in_place
from creatorpool.allocation.policy import ObjectiveName
from creatorpool.allocation.search import CAPS_FALL_SHORT, FLOORS_EXCEED
from creatorpool.errors import InfeasiblePoolError
from creatorpool.numerics.types import Codes, Floats


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
        """(n,) 'interior', 'floor', 'cap' or 'creator_cap', as `payout_from_dual` documents them."""
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
    creator: ArrayLike | None = None,
    creator_cap: ArrayLike | Mapping[Any, float] | None = None,
) -> Allocation:
    r"""Split a pool over its videos: maximise fairness and efficiency under floors and caps (formulas §2.3, S0 §3).

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
        and w / Σw for w (formulas §2.4, §6.1).

    creator : (n,) array_like, optional
        The label of each video's creator, needed with `creator_cap`.
    creator_cap : scalar, mapping or array_like, optional
        The most that a creator's videos earn together, money, >= 0, may be infinite: one number for every creator; a
        mapping from label to cap, creators left out having none; or one cap a creator, indexed by integer labels
        0 … G-1, else in ascending order of the labels present.

    Returns
    -------
    Allocation
        The same bits per video in whatever order the videos come.

    Raises
    ------
    InputError
        If an argument breaks its rule; the message names the element and the value.
    InfeasiblePoolError
        If the floors sum to more than the pool or a creator's cap, or the caps to less than the pool.

    Notes
    -----
    Stationarity gives p_v = clip(λ_fair w_v / (ν - λ_eff s_v / P), lo_v, hi_v), with ν the one root of Σ p_v = P. Where
    shares alone decide (λ_eff = 1 under ``linear``), the largest are filled to their caps first and equal shares get
    equal payouts inside their bounds. A video without effective impressions gets its floor; only money left when all
    others are at their caps is split equally, inside the bounds, over such videos.
    """
    m, lo, hi = checked_videos(effective_impressions, floor, cap)
    money = checked_pool(pool)
    check_parameters(alpha, lambda_eff, objective)
    totals = share_totals(m, float(alpha))
    goal = pool_objective(totals, money, alpha=float(alpha), lambda_eff=float(lambda_eff), name=objective)
    rows = Rows(m, goal.numerators(m), lo, hi)
    caps = None if creator_cap is None else checked_creator_caps(creator, creator_cap, m.size)
    if caps is None:
        solution, creators = solve_pool(goal, rows), None
    else:
        solution, creators = solve_capped_creators(goal, rows, caps)
    _check_feasible(solution, rows, money, caps)
    dual = Dual(goal, solution.price, multiplier(goal, solution.price, rows), creators)
    place = None if caps is None or creators is None else creators.place(caps.label)[caps.code]
    payout = rows.numerator
    bound_code = pay_in_place(payout, dual, m, lo, hi, place)
    eta = np.zeros(1) if place is None or creators is None else creators.eta_at(place)
    residuals = residuals_of(payout, dual.nu, eta, goal, m, lo, hi, caps)
    return Allocation(payout, bound_code, solution.passes, dual, residuals)


def _check_feasible(solution: Solution, rows: Rows, pool: float, caps: CreatorCaps | None) -> None:
    n = rows.numerator.size
    if solution.status == FLOORS_EXCEED:
        floors = math.fsum(np.broadcast_to(rows.floor, n))
        raise InfeasiblePoolError(f"floors of {n} videos must sum to at most the pool {pool}, got {floors}")
    if solution.status == CAPS_FALL_SHORT:
        most = math.fsum(np.broadcast_to(rows.cap, n))
        by_creator = "" if caps is None else f", less where the caps of {caps.cap.size} creators bind"
        raise InfeasiblePoolError(f"caps of {n} videos must sum to at least the pool {pool}, got {most}{by_creator}")
