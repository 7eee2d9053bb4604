"""The money that the efficiency weight λ_eff moves within a pool (formulas §2.8, §6.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.allocation.program import Allocation, solve_program
from creatorpool.allocation.summation import MIN_BOUND, order_free_sum
from creatorpool.errors import InputError


def money_moved(payout: ArrayLike, other: ArrayLike) -> float:
    """Money that changes hands between two splits of one pool, ½ Σ|p − p′|; both (n,), >= 0.

    Raises
    ------
    InputError
        If the two do not have the same shape (n,).
    """
    p, q = np.asarray(payout, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if p.shape != q.shape or p.ndim != 1:
        raise InputError(f"payout and other must have the same shape (n,), got {p.shape} and {q.shape}")
    gap = np.abs(p - q)
    return 0.5 * order_free_sum(gap, max(float(gap.max(initial=0.0)), MIN_BOUND))


def efficiency_moved(allocation: Allocation) -> float:
    """Money that λ_eff moves: `money_moved` between `allocation` and the optimum of the same pool at λ_eff = 0.

    The second optimum takes the checked arguments and the totals of the first, and needs no check of its own. At
    λ_eff = 0 the two are the same.
    """
    program = allocation.program
    if program.objective.lambda_eff == 0.0:
        return 0.0
    return money_moved(allocation.payout, solve_program(program.without_efficiency()).payout)
