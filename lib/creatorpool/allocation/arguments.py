"""Checks of what a pool is given: each fault is named with its element, the rule and the value."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.allocation.types import Floats
from creatorpool.errors import InputError

OBJECTIVES = ("linear", "log")


def checked_impressions(effective_impressions: ArrayLike) -> Floats:
    """(n,) contiguous float64, n >= 1, each finite and >= 0."""
    m = _numbers("effective_impressions", effective_impressions)
    if m.ndim != 1:
        raise InputError(f"effective_impressions must have one dimension, got shape {m.shape}")
    if m.size == 0:
        raise InputError("effective_impressions must hold at least one video, got none")
    _check_each("effective_impressions", m, "finite and >= 0", is_capped=True)
    return m


def checked_pool(pool: float) -> float:
    """A finite amount of money, >= 0."""
    if not isinstance(pool, Real) or not 0 <= pool < math.inf:
        raise InputError(f"pool must be finite and >= 0, got {pool!r}")
    return float(pool)


def check_parameters(alpha: float, lambda_eff: float, objective: str) -> None:
    """α in (0, 1], λ_eff in [0, 1], a known objective."""
    if not isinstance(alpha, Real) or not 0 < alpha <= 1:
        raise InputError(f"alpha must lie in (0, 1], got {alpha!r}")
    if not isinstance(lambda_eff, Real) or not 0 <= lambda_eff <= 1:
        raise InputError(f"lambda_eff must lie in [0, 1], got {lambda_eff!r}")
    if objective not in OBJECTIVES:
        raise InputError(f"objective must be one of {', '.join(OBJECTIVES)}, got {objective!r}")


def checked_bounds(floor: ArrayLike | None, cap: ArrayLike | None, n: int) -> tuple[Floats, Floats]:
    """Floors and caps as (n,) arrays, or (1,) arrays where one value holds for all."""
    lo = _bound("floor", 0.0 if floor is None else floor, n)
    hi = _bound("cap", math.inf if cap is None else cap, n)
    _check_each("floor", lo, "finite and >= 0", is_capped=True)
    _check_each("cap", hi, "a number >= 0", is_capped=False)
    if bool((lo > hi).any()):
        crossed = int(np.argmax(lo > hi))
        raise InputError(
            f"floor[{crossed if lo.size > 1 else 0}] must not exceed cap[{crossed if hi.size > 1 else 0}], "
            f"got {lo[crossed % lo.size]} > {hi[crossed % hi.size]}"
        )
    return lo, hi


def _bound(name: str, bound: ArrayLike, n: int) -> Floats:
    values = _numbers(name, bound)
    if values.shape not in ((), (n,)):
        raise InputError(f"{name} must be a number or hold one per video, shape ({n},), got shape {values.shape}")
    return values.reshape(-1)


def _numbers(name: str, values: ArrayLike) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers: {error}") from error


def _check_each(name: str, values: Floats, rule: str, *, is_capped: bool) -> None:
    # The extremes pass over the data without a temporary array; both are nan if any value is.
    if values.min() >= 0 and (values.max() < np.inf or not is_capped):
        return
    at = int(np.argmax(~((values >= 0) & ((values < np.inf) | (not is_capped)))))
    raise InputError(f"{name}[{at}] must be {rule}, got {values[at]}")
