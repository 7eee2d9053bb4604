"""The money that the efficiency weight λ_eff moves within a pool (formulas §2.8, §6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.allocation.policy import ObjectiveName
from creatorpool.allocation.program import allocate
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


def efficiency_moved(
    payout: ArrayLike,
    effective_impressions: ArrayLike,
    pool: float,
    *,
    alpha: float,
    floor: ArrayLike | None = None,
    cap: ArrayLike | None = None,
    objective: ObjectiveName = "linear",
    creator: ArrayLike | None = None,
    creator_cap: ArrayLike | Mapping[Any, float] | None = None,
) -> float:
    """Money that λ_eff moves: `money_moved` between `payout` and the optimum of the same pool at λ_eff = 0.

    Parameters
    ----------
    payout : (n,) array_like
        The pool's payouts as allocated, money.
    effective_impressions, pool, alpha, floor, cap, objective, creator, creator_cap
        The arguments that `allocate` got. Errors are those of `allocate`.
    """
    fair = allocate(
        effective_impressions,
        pool,
        alpha=alpha,
        lambda_eff=0.0,
        floor=floor,
        cap=cap,
        objective=objective,
        creator=creator,
        creator_cap=creator_cap,
    )
    return money_moved(payout, fair.payout)
