"""Money in integer micros: sums without rounding, and fractional amounts brought to integers that add up.

The largest-remainder rule here is an object. It is found from the amounts alone, in any order, and applied to each
amount alone, so that many machines can round one pool, each its own rows, and the pool still closes to the micro.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError

MICROS_PER_UNIT = 1_000_000

# Amounts, bounds and totals stay within ±LIMIT, so that `floor + shift` cannot wrap in int64.
LIMIT = 2**61

# No shift needs to be larger: beyond it every row is at a bound.
FARTHEST = 2 * LIMIT + 1

IntArray = NDArray[np.int64]


def in_units(micros: int | None, currency: str = "") -> str:
    """Micros as units with two decimals and thousands separated, for reading; tables keep the micros."""
    if micros is None:
        return "–"
    sign = "-" if micros < 0 else ""
    cents = (abs(micros) + MICROS_PER_UNIT // 200) // (MICROS_PER_UNIT // 100)
    return f"{sign}{cents // 100:,}.{cents % 100:02d}{' ' + currency if currency else ''}"


@dataclass(frozen=True)
class RoundingRule:
    """How one pool's amounts become integers: ``clip(floor(p) + shift + raised, lower, upper)``.

    An amount is raised if its bounds let it rise and its remainder ``p - floor(p)`` lies above `threshold`, or equals
    it and the row is among the first `raised_ties`, by id, of the `tied` rows. ``tied == 0`` means that no tie is cut.
    """

    shift: int
    threshold: float
    raised_ties: int
    tied: int


@dataclass(frozen=True)
class RowRules:
    """A `RoundingRule` a row, (n,) arrays, where rows belong to groups that close apart."""

    shift: IntArray
    threshold: NDArray[np.float64]
    tied: IntArray


def exact_sum(micros: ArrayLike) -> int:
    """Sum of int64 values as a Python integer, which cannot wrap (up to 2**31 values)."""
    values = np.asarray(micros, dtype=np.int64)
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def rounding_rule(
    amount: ArrayLike, total: int, lower: ArrayLike | None = None, upper: ArrayLike | None = None
) -> RoundingRule:
    """Find the largest-remainder rule that brings `amount` to integers summing to `total`.

    Parameters
    ----------
    amount : (n,) array_like
        Real amounts in micros, finite. Their order does not matter, and their sum may miss `total`.
    total : int
        The integer total, micros.
    lower, upper : scalar or (n,) array_like, optional
        Bounds in micros; a fractional bound tightens to the integer inside it. Without `lower` it is 0, and a
        negative amount is an error; without `upper` there is none.

    Raises
    ------
    InputError
        If an amount or bound is not usable, or no integers within the bounds sum to `total`.

    Notes
    -----
    ``F(shift) = sum(clip(floor(p) + shift, lower, upper))`` grows with `shift` by the number of rows that may rise, so
    one shift has ``F(shift) <= total <= F(shift + 1)``, and the largest remainders are raised in between.
    With ``|sum(p) - total| < 1`` and p within its bounds, every result is less than 1 away from p.
    """
    p, lo, hi = checked_amounts(amount, total, lower, upper)
    whole, remainder = whole_and_remainder(p)
    _check_reachable(total, lo, hi, p.size)

    def reached(shift: IntArray) -> IntArray:
        found = exact_sum(np.clip(whole + shift[0], lo, hi))
        return np.array([max(-FARTHEST, min(found, FARTHEST))])

    shift = int(find_shift(reached, np.array([total]))[0])
    missing = total - exact_sum(np.clip(whole + shift, lo, hi))
    if missing == 0:
        return RoundingRule(shift, np.inf, 0, 0)

    eligible = remainder[may_rise(whole + shift, lo, hi)]
    threshold = float(np.partition(eligible, eligible.size - missing)[eligible.size - missing])
    above = int(np.count_nonzero(eligible > threshold))
    tied = int(np.count_nonzero(eligible == threshold))
    if above + tied == missing:
        return RoundingRule(shift, float(np.nextafter(threshold, -np.inf)), 0, 0)
    return RoundingRule(shift, threshold, missing - above, tied)


def apply_rounding(
    amount: ArrayLike, rule: RoundingRule | RowRules, lower: ArrayLike | None = None, upper: ArrayLike | None = None
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Round each amount by `rule`, row by row: any batch of a pool gives what the whole pool would give.

    Parameters
    ----------
    amount, lower, upper
        As given to `rounding_rule`, or any batch of their rows.
    rule
        One for all rows, or one a row.

    Returns
    -------
    base : (n,) int64 array
        Rounded amounts, micros, before ties are cut.
    tied : (n,) bool array
        Rows at the threshold: the first ``rule.raised_ties`` of them by id, over the whole pool, get 1 more.
    """
    p, lo, hi = checked_amounts(amount, 0, lower, upper)
    whole, remainder = whole_and_remainder(p)
    whole += rule.shift
    base = np.clip(whole + (remainder > rule.threshold), lo, hi)
    is_cut = np.asarray(rule.tied) > 0
    if not is_cut.any():
        return base, np.zeros(p.size, dtype=np.bool_)
    return base, is_cut & (remainder == rule.threshold) & may_rise(whole, lo, hi)


def round_to_total(
    amount: ArrayLike,
    total: int,
    *,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    order: ArrayLike | None = None,
) -> IntArray:
    """Bring amounts to integers that sum to `total` exactly: largest remainder inside the bounds (formulas §2.6).

    Parameters
    ----------
    amount, total, lower, upper
        As for `rounding_rule`.
    order : (n,) array_like, optional
        Ids or ranks, distinct: of rows with equal remainders the smaller come first. Without it, the rows' position.

    Returns
    -------
    (n,) int64 array
        Micros, within the bounds, in the order of `amount`.

    Raises
    ------
    InputError
        As `rounding_rule`; also if `order` has another length.
    """
    rule = rounding_rule(amount, total, lower, upper)
    rounded, tied = apply_rounding(amount, rule, lower, upper)
    ids = np.arange(rounded.size) if order is None else np.asarray(order)
    if ids.shape != rounded.shape:
        raise InputError(f"order must have one id per amount, shape {rounded.shape}, got {ids.shape}")
    rows = np.flatnonzero(tied)
    first = np.argsort(ids[rows], kind="stable")[: rule.raised_ties]
    rounded[rows[first]] += 1
    return rounded


def checked_amounts(
    amount: ArrayLike, total: int, lower: ArrayLike | None, upper: ArrayLike | None
) -> tuple[NDArray[np.float64], IntArray, IntArray]:
    """Amounts as floats and their bounds as integers, (n,) arrays; arguments and errors as `rounding_rule`."""
    p = np.asarray(amount, dtype=np.float64)
    if p.ndim != 1:
        raise InputError(f"amount must have one dimension, got shape {p.shape}")
    if not isinstance(total, Integral) or abs(total) > LIMIT:
        raise InputError(f"total must be an integer within ±{LIMIT} micros, got {total!r}")
    bad = np.flatnonzero(~(np.abs(p) <= LIMIT) | ((p < 0) if lower is None else False))
    if bad.size:
        rule = "finite and >= 0" if lower is None else "finite"
        raise InputError(f"amount[{bad[0]}] must be {rule} and within ±{LIMIT} micros, got {p[bad[0]]}")
    lo = _integer_bound("lower", 0 if lower is None else lower, np.ceil, p.shape)
    hi = _integer_bound("upper", LIMIT if upper is None else upper, np.floor, p.shape)
    crossed = np.flatnonzero(lo > hi)
    if crossed.size:
        v = crossed[0]
        raise InputError(f"lower[{v}] must not exceed upper[{v}]: no integer from {lo[v]} to {hi[v]}")
    return p, lo, hi


def _integer_bound(name: str, bound: ArrayLike, inwards: np.ufunc, shape: tuple[int, ...]) -> IntArray:
    values = np.asarray(bound)
    if values.shape not in ((), shape):
        raise InputError(f"{name} must be a scalar or have the shape of amount, {shape}, got {values.shape}")
    if not np.issubdtype(values.dtype, np.integer):
        values = inwards(values.astype(np.float64))
        unknown = np.flatnonzero(np.isnan(values))
        if unknown.size:
            raise InputError(f"{name}[{unknown[0]}] must be a number, got nan")
    return np.broadcast_to(np.clip(values, -LIMIT, LIMIT).astype(np.int64), shape)


def whole_and_remainder(p: NDArray[np.float64]) -> tuple[IntArray, NDArray[np.float64]]:
    """Whole micros of (n,) amounts, rounded down, and what is left of each, in [0, 1)."""
    floor = np.floor(p)
    return floor.astype(np.int64), p - floor


def may_rise(whole: IntArray, lo: IntArray, hi: IntArray) -> NDArray[np.bool_]:
    """Whether one micro more than (n,) `whole` changes what the bounds let through."""
    return (whole >= lo) & (whole < hi)


def _check_reachable(total: int, lo: IntArray, hi: IntArray, n: int) -> None:
    least, most = exact_sum(lo), exact_sum(hi)
    if total < least:
        raise InputError(f"lower bounds sum to {least} micros over {n} rows, more than the total {total}")
    if total > most:
        raise InputError(f"upper bounds sum to {most} micros over {n} rows, less than the total {total}")


def find_shift(reached: Callable[[IntArray], IntArray], total: IntArray) -> IntArray:
    """Shifts with ``reached(shift) <= total <= reached(shift + 1)``: doubling steps from 0, then bisection.

    Parameters
    ----------
    reached
        From the (G,) shifts of groups of rows to the sums of these groups, which do not fall as the shifts grow.
    total : (G,) int64 array
        Sums to reach, each between that of the lower and that of the upper bounds.
    """
    low, high, step = np.zeros_like(total), np.ones_like(total), np.ones_like(total)
    while np.any(is_off := reached(low) > total):
        high = np.where(is_off, low, high)
        low = np.where(is_off, np.maximum(low - step, -FARTHEST), low)
        step = np.where(is_off, np.minimum(2 * step, LIMIT), step)
    while np.any(is_off := reached(high) < total):
        low = np.where(is_off, high, low)
        high = np.where(is_off, np.minimum(high + step, FARTHEST), high)
        step = np.where(is_off, np.minimum(2 * step, LIMIT), step)
    while np.any(is_open := high - low > 1):
        middle = np.where(is_open, (low + high) // 2, low)
        is_below = reached(middle) <= total
        low, high = np.where(is_open & is_below, middle, low), np.where(is_open & ~is_below, middle, high)
    return low
