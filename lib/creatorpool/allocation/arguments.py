"""Checks of what a pool is given: each fault is named with its element, the rule and the value."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.allocation.kernels import is_sound
from creatorpool.errors import InputError
from creatorpool.numerics.compiled import on_slices
from creatorpool.numerics.types import Floats

OBJECTIVES = ("linear", "log")


def checked_videos(
    effective_impressions: ArrayLike, floor: ArrayLike | None, cap: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Effective impressions as a contiguous (n,) array, n >= 1; bounds as (n,) arrays, or (1,) if one holds for all.

    Impressions and floors are finite and >= 0; caps are numbers, not below their floors.
    """
    m = _numbers("effective_impressions", effective_impressions)
    if m.ndim != 1:
        raise InputError(f"effective_impressions must have one dimension, got shape {m.shape}")
    if m.size == 0:
        raise InputError("effective_impressions must hold at least one video, got none")
    lo = _bound("floor", 0.0 if floor is None else floor, m.size)
    hi = _bound("cap", math.inf if cap is None else cap, m.size)

    def part(first: int, end: int) -> bool:
        rows = slice(first, end)
        return is_sound(m[rows], lo[rows] if lo.size > 1 else lo, hi[rows] if hi.size > 1 else hi)

    if not all(on_slices(part, m.size)):
        _name_fault(m, lo, hi)
    return m, lo, hi


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


def _name_fault(m: Floats, lo: Floats, hi: Floats) -> None:
    for name, values, rule, limit in (
        ("effective_impressions", m, "finite and >= 0", np.finfo(np.float64).max),
        ("floor", lo, "finite and >= 0", np.finfo(np.float64).max),
        ("cap", hi, "a number >= 0", math.inf),
    ):
        bad = np.flatnonzero(~((values >= 0) & (values <= limit)))
        if bad.size:
            raise InputError(f"{name}[{bad[0]}] must be {rule}, got {values[bad[0]]}")
    v = int(np.argmax(lo > hi))
    at_floor, at_cap = v % lo.size, v % hi.size
    raise InputError(f"floor[{at_floor}] must not exceed cap[{at_cap}], got {lo[at_floor]} > {hi[at_cap]}")
