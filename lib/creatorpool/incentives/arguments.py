"""Checks of the incentive models' arguments: an error names the element, the rule and the value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.types import Floats, Integers

# float64 cannot tell larger counts apart.
MAX_COUNT = 2**53


def checked_numbers(name: str, values: ArrayLike, low: float = -np.inf, high: float = np.inf) -> Floats:
    """`values` as float64, of the same shape.

    Raises
    ------
    InputError
        If a value is not a number, not finite or outside [low, high].
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers: {error}") from error
    # min and max need no temporary array; both are nan if any value is.
    least, largest = numbers.min(initial=np.inf), numbers.max(initial=-np.inf)
    if numbers.size == 0 or (low <= least and largest <= high and np.isfinite(least) and np.isfinite(largest)):
        return numbers
    fits = np.isfinite(numbers) & (numbers >= low) & (numbers <= high)
    raise InputError(f"{_place(name, fits)} must be {_rule(low, high)}, got {numbers[~fits].flat[0]}")


def checked_counts(name: str, values: ArrayLike, low: int) -> Integers:
    """`values` as int64, of the same shape.

    Raises
    ------
    InputError
        If a value is not a whole number or below `low`.
    """
    given = np.asarray(values)
    if given.dtype.kind == "i" and given.min(initial=low) >= low:
        return given.astype(np.int64, copy=False)
    numbers = checked_numbers(name, values, low, MAX_COUNT)
    whole = numbers == np.floor(numbers)
    if not whole.all():
        raise InputError(f"{_place(name, whole)} must be a whole number, got {numbers[~whole].flat[0]}")
    return numbers.astype(np.int64)


def checked_test(q: ArrayLike, n: ArrayLike, k: ArrayLike) -> tuple[Floats, Integers, Integers]:
    """Quality in [0, 1], window n >= 1 and bar k >= 0, each in its own shape.

    Raises
    ------
    InputError
        If a value is out of range or the shapes do not broadcast.
    """
    arrays = checked_numbers("q", q, 0.0, 1.0), checked_counts("n", n, 1), checked_counts("k", k, 0)
    try:
        np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError as error:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise InputError(f"q, n and k must have shapes that broadcast, got {shapes}") from error
    return arrays


def _place(name: str, fits: np.ndarray) -> str:
    return name if fits.ndim == 0 else f"{name}{np.argwhere(~fits)[0].tolist()}"


def _rule(low: float, high: float) -> str:
    if high == MAX_COUNT:
        return f"a whole number >= {low:g}"
    if low == -np.inf:
        return "finite" if high == np.inf else f"finite and <= {high:g}"
    return f"finite and >= {low:g}" if high == np.inf else f"within [{low:g}, {high:g}]"
