"""Money in integer micros: exact sums, and rounding of fractional amounts to integers with a given sum.

Rounding has two steps. `rounding_rule` finds one rule from all amounts of a pool, in any order. `apply_rounding` uses
the rule on each amount separately. So several machines can round parts of one pool, and the pool's sum is still exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError

MICROS_PER_UNIT = 1_000_000
CENT = MICROS_PER_UNIT // 100
"""The least amount that `in_units` shows by default, micros"""

# Amounts, bounds and totals lie within ±LIMIT, so that `floor + shift` cannot overflow int64.
LIMIT = 2**61

# Larger shifts change nothing: every row is then at a bound.
MAX_SHIFT = 2 * LIMIT + 1

IntArray = NDArray[np.int64]


def in_units(micros: int | None, currency: str = "", *, decimals: int = 2) -> str:
    """Micros as text in currency units, such as ``1,234.56 USD``, for people; ``–`` for None. Tables keep micros.

    `decimals` is from 1 to 6; halves are rounded away from 0.
    """
    if micros is None:
        return "–"
    sign = "-" if micros < 0 else ""
    step = MICROS_PER_UNIT // 10**decimals
    whole, rest = divmod((abs(micros) + step // 2) // step, 10**decimals)
    return f"{sign}{whole:,}.{rest:0{decimals}d}{' ' + currency if currency else ''}"


def readable_decimals(largest: float) -> int:
    """Decimals, 2 to 6, that show two digits of `largest` micros: the precision of a table with smaller amounts."""
    units = abs(largest) / MICROS_PER_UNIT
    return 2 if units == 0 else min(6, max(2, 1 - math.floor(math.log10(units))))


def in_exact_units(micros: int, currency: str = "") -> str:
    """Micros as text in currency units without rounding, such as ``0.00001 USD``, for amounts that may be tiny."""
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole:,}.{decimals}{' ' + currency if currency else ''}"


@dataclass(frozen=True)
class RoundingRule:
    """How one pool's amounts become integers: ``clip(floor(p) + shift + raised, lower, upper)``.

    ``raised`` is 1 if the bounds allow one micro more and the remainder ``p - floor(p)`` is above `threshold`, or if it
    equals `threshold` and the row is among the first `raised_ties`, by id, of the `tied` rows; else 0. ``tied == 0``
    means that ids decide nothing.
    """

    shift: int
    threshold: float
    raised_ties: int
    tied: int


@dataclass(frozen=True)
class RowRules:
    """One `RoundingRule` per row, as (n,) arrays, for rows of several groups, each with its own total."""

    shift: IntArray
    threshold: NDArray[np.float64]
    tied: IntArray


def exact_sum(micros: ArrayLike) -> int:
    """Sum of int64 values as a Python integer, which cannot overflow (up to 2**31 values)."""
    values = np.asarray(micros, dtype=np.int64)
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def rounding_rule(
    amount: ArrayLike, total: int, lower: ArrayLike | None = None, upper: ArrayLike | None = None
) -> RoundingRule:
    """Find the largest-remainder rule that rounds `amount` to integers with the sum `total` (formulas §2.6).

    Parameters
    ----------
    amount : (n,) array_like
        Real amounts in micros, finite. Their order does not matter, and their sum may miss `total`.
    total : int
        The integer total, micros.
    lower, upper : scalar or (n,) array_like, optional
        Bounds in micros; a fractional bound becomes the nearest integer within it. Without `lower` the lower bound is
        0, and a negative amount is an error; without `upper` there is no upper bound.

    Raises
    ------
    InputError
        If an amount or bound is not usable, or no integers within the bounds sum to `total`.

    Notes
    -----
    ``F(shift) = sum(clip(floor(p) + shift, lower, upper))`` does not fall as `shift` grows. For one shift,
    ``F(shift) <= total <= F(shift + 1)``; the rows with the largest remainders get the missing micros, one each.
    If ``|sum(p) - total| < 1`` and p lies within its bounds, every result differs from p by less than 1.
    """
    p, lo, hi = checked_amounts(amount, total, lower, upper)
    whole, remainder = whole_and_remainder(p)
    _check_reachable(total, lo, hi, p.size)

    def reached(shift: IntArray) -> IntArray:
        found = exact_sum(np.clip(whole + shift[0], lo, hi))
        return np.array([max(-MAX_SHIFT, min(found, MAX_SHIFT))])

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
    """Round each amount by `rule`, row by row: a batch of a pool's rows gets the same results as the whole pool.

    Parameters
    ----------
    amount, lower, upper
        As for `rounding_rule`, or any batch of their rows.
    rule
        One rule for all rows, or one per row.

    Returns
    -------
    base : (n,) int64 array
        Rounded amounts, micros, without the micros that go to tied rows.
    tied : (n,) bool array
        Rows at the threshold: the first ``rule.raised_ties`` of them by id, in the whole pool, get 1 micro more.
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
    """Round amounts to integers with the sum `total`, by largest remainders within the bounds (formulas §2.6).

    Parameters
    ----------
    amount, total, lower, upper
        As for `rounding_rule`.
    order : (n,) array_like, optional
        Distinct ids or ranks: among rows with equal remainders, smaller ids come first. By default, the row's position.

    Returns
    -------
    (n,) int64 array
        Micros, within the bounds, in the order of `amount`.

    Raises
    ------
    InputError
        As for `rounding_rule`; also if `order` has another length than `amount`.
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


def in_whole_cents(micros: Sequence[int]) -> list[int]:
    """Amounts of a column that people add up, as micros in whole cents, whose sum is the rounded sum of `micros`.

    By largest remainders (formulas §2.6), so that an amount moves by less than a cent, and 0 stays 0.
    """
    total = sum(micros)
    cents = (abs(total) + CENT // 2) // CENT
    rounded = round_to_total(np.array(micros, dtype=np.float64) / CENT, -cents if total < 0 else cents, lower=-LIMIT)
    return [CENT * own for own in rounded.tolist()]


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
    """Whole micros of (n,) amounts, rounded down, and their remainders, in [0, 1)."""
    floor = np.floor(p)
    return floor.astype(np.int64), p - floor


def may_rise(whole: IntArray, lo: IntArray, hi: IntArray) -> NDArray[np.bool_]:
    """Whether the bounds allow one micro more than (n,) `whole` micros."""
    return (whole >= lo) & (whole < hi)


def _check_reachable(total: int, lo: IntArray, hi: IntArray, n: int) -> None:
    least, most = exact_sum(lo), exact_sum(hi)
    if total < least:
        raise InputError(f"lower bounds sum to {least} micros over {n} rows, more than the total {total}")
    if total > most:
        raise InputError(f"upper bounds sum to {most} micros over {n} rows, less than the total {total}")


def find_shift(reached: Callable[[IntArray], IntArray], total: IntArray) -> IntArray:
    """Find shifts with ``reached(shift) <= total <= reached(shift + 1)``: doubling steps from 0, then bisection.

    Parameters
    ----------
    reached
        Function from the (G,) shifts of G groups of rows to the (G,) sums of the groups, micros. A sum must not fall
        as its shift grows.
    total : (G,) int64 array
        Sums to reach, micros, each from the sum of the lower bounds to the sum of the upper bounds.

    Returns
    -------
    (G,) int64 array
        One shift per group, micros.
    """
    low, high, step = np.zeros_like(total), np.ones_like(total), np.ones_like(total)
    while np.any(is_off := reached(low) > total):
        high = np.where(is_off, low, high)
        low = np.where(is_off, np.maximum(low - step, -MAX_SHIFT), low)
        step = np.where(is_off, np.minimum(2 * step, LIMIT), step)
    while np.any(is_off := reached(high) < total):
        low = np.where(is_off, high, low)
        high = np.where(is_off, np.minimum(high + step, MAX_SHIFT), high)
        step = np.where(is_off, np.minimum(2 * step, LIMIT), step)
    while np.any(is_open := high - low > 1):
        middle = np.where(is_open, (low + high) // 2, low)
        is_below = reached(middle) <= total
        low, high = np.where(is_open & is_below, middle, low), np.where(is_open & ~is_below, middle, high)
    return low
