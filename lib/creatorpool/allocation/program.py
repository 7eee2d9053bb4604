"""One pool's allocation: the concave program of S0 §3, solved by its closed form (formulas §2.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.arguments import check_parameters, checked_pool, checked_videos
from creatorpool.allocation.creator_caps import CreatorCaps, checked_creator_caps
from creatorpool.allocation.creators import solve_capped_creators
from creatorpool.allocation.dual import Rows, Solution, multiplier, solve_pool
from creatorpool.allocation.kkt import KktResiduals, residuals_of
from creatorpool.allocation.objective import Objective, pool_objective, share_totals
from creatorpool.allocation.payout import BOUNDS, Dual, pay_in_place
from creatorpool.allocation.policy import ObjectiveName
from creatorpool.allocation.search import CAPS_FALL_SHORT, FLOORS_EXCEED
from creatorpool.errors import InfeasiblePoolError
from creatorpool.numerics.types import Codes, Floats


@dataclass(frozen=True)
class PoolProgram:
    """One pool's program, with checked arguments."""

    objective: Objective
    effective_impressions: Floats  # (n,)
    floor: Floats  # (n,), or (1,) for one common floor, money
    cap: Floats  # likewise
    creator_caps: CreatorCaps | None

    def without_efficiency(self) -> PoolProgram:
        """The same pool at λ_eff = 0."""
        goal = self.objective
        fair = pool_objective(goal.totals, goal.pool, alpha=goal.alpha, lambda_eff=0.0, name=goal.name)
        return replace(self, objective=fair)


@dataclass(frozen=True)
class Optimum:
    """A pool's optimal payouts, with the dual solution."""

    payout: Floats  # (n,), money, in the order given
    bound_code: Codes  # (n,), index into payout.BOUNDS
    iterations: int  # passes over the pool's videos
    dual: Dual

    @property
    def bound(self) -> NDArray[np.str_]:
        """(n,) bound of each payout: 'interior', 'floor', 'cap' or 'creator_cap', as in `payout_from_dual`."""
        return np.array(BOUNDS)[self.bound_code]

    @property
    def nu(self) -> float:
        """Multiplier of the pool constraint: the objective's gain per unit of money added."""
        return self.dual.nu


@dataclass(frozen=True)
class Allocation(Optimum):
    """A pool's optimal payouts, with its program and the residuals that show that the payouts are optimal."""

    program: PoolProgram
    residuals: KktResiduals

    @property
    def max_kkt_residual(self) -> float:
        """Largest violation of the optimality conditions, money."""
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
        ``linear`` is the program of S0, λ_fair Σ w log p + λ_eff Σ s p / P. ``log`` replaces the second term by
        λ_eff Σ s log p, and w by w / Σw (formulas §2.4, §6.1).

    creator : (n,) array_like, optional
        The label of each video's creator; required with `creator_cap`.
    creator_cap : scalar, mapping or array_like, optional
        The most that a creator's videos earn together, money, >= 0, may be infinite. One of: one number for every
        creator; a mapping from label to cap, where a missing creator has no cap; an array with one cap per creator. The
        array is indexed by integer labels 0 … G-1, or follows the ascending order of the labels present.

    Returns
    -------
    Allocation
        A video's payout has the same bits in any order of the videos.

    Raises
    ------
    InputError
        If an argument breaks its rule. The message names the element and the value.
    InfeasiblePoolError
        If the floors sum to more than the pool or a creator's cap, or the caps sum to less than the pool.

    Notes
    -----
    Stationarity gives p_v = clip(λ_fair w_v / (ν - λ_eff s_v / P), lo_v, hi_v), where ν is the only root of Σ p_v = P.
    With λ_eff = 1 under ``linear`` only the shares decide: the videos with the largest shares are filled to their caps
    first, and equal shares get equal payouts inside their bounds. A video without effective impressions gets its floor.
    If all other videos are at their caps and money is left, these videos share it equally inside their bounds.
    """
    m, lo, hi = checked_videos(effective_impressions, floor, cap)
    money = checked_pool(pool)
    check_parameters(alpha, lambda_eff, objective)
    caps = None if creator_cap is None else checked_creator_caps(creator, creator_cap, m.size)
    totals = share_totals(m, float(alpha))
    goal = pool_objective(totals, money, alpha=float(alpha), lambda_eff=float(lambda_eff), name=objective)
    program = PoolProgram(goal, m, lo, hi, caps)
    found = solve_program(program)
    return Allocation(**vars(found), program=program, residuals=_residuals(program, found))


def solve_program(program: PoolProgram) -> Optimum:
    """Find the optimal payouts of `program`; `allocate` also checks that they are optimal.

    Raises
    ------
    InfeasiblePoolError
        As `allocate`.
    """
    goal, m, caps = program.objective, program.effective_impressions, program.creator_caps
    rows = Rows(m, goal.numerators(m), program.floor, program.cap)
    solution, creators = (solve_pool(goal, rows), None) if caps is None else solve_capped_creators(goal, rows, caps)
    _check_feasible(solution, rows, goal.pool, caps)
    dual = Dual(goal, solution.price, multiplier(goal, solution.price, rows), creators)
    payout = rows.numerator
    bound_code = pay_in_place(payout, dual, m, program.floor, program.cap, _place(dual, caps))
    return Optimum(payout, bound_code, solution.passes, dual)


def _place(dual: Dual, caps: CreatorCaps | None) -> NDArray[np.intp] | None:
    """(n,) index of each video's creator among those whose caps bind; None if creators have no caps."""
    return None if caps is None or dual.creators is None else dual.creators.place(caps.label)[caps.code]


def _residuals(program: PoolProgram, found: Optimum) -> KktResiduals:
    dual, caps = found.dual, program.creator_caps
    place = _place(dual, caps)
    eta = np.zeros(1) if place is None or dual.creators is None else dual.creators.eta_at(place)
    m, lo, hi = program.effective_impressions, program.floor, program.cap
    return residuals_of(found.payout, dual.nu, eta, program.objective, m, lo, hi, caps)


def _check_feasible(solution: Solution, rows: Rows, pool: float, caps: CreatorCaps | None) -> None:
    n = rows.numerator.size
    if solution.status == FLOORS_EXCEED:
        floors = math.fsum(np.broadcast_to(rows.floor, n))
        raise InfeasiblePoolError(f"floors of {n} videos must sum to at most the pool {pool}, got {floors}")
    if solution.status == CAPS_FALL_SHORT:
        most = math.fsum(np.broadcast_to(rows.cap, n))
        by_creator = "" if caps is None else f", and less where the caps of {caps.cap.size} creators bind"
        raise InfeasiblePoolError(f"caps of {n} videos must sum to at least the pool {pool}, got {most}{by_creator}")
