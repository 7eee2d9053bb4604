"""Which λ_eff reaches a target (formulas §2.8): a safeguarded search on any curve, monotone or continuous or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from creatorpool.errors import InputError

Curve = Callable[[float], float]

SCAN = (
    *(step / 20 for step in range(20)),
    *(1.0 - 10.0**-nines for nines in range(2, 16)),
    1.0,
)
"""Where the curve is looked at first. Under the linear objective nothing moves before 1 - λ_eff is tiny."""
TOLERANCE = 1e-9
MOST_STEPS = 200


@dataclass(frozen=True)
class TargetSearch:
    """What a search found. Without `lambda_eff` the target is out of reach, and the range says what is within."""

    target: float
    lambda_eff: float | None
    value: float | None
    """Of the curve at `lambda_eff`: the target, but for a jump of the curve between neighbouring numbers"""
    least: float
    most: float


def find_lambda(curve: Curve, target: float, tolerance: float = TOLERANCE) -> TargetSearch:
    """The smallest λ_eff, to the resolution of `SCAN`, where `curve` takes the value `target`.

    Parameters
    ----------
    curve : callable
        A measure of the split as a function of λ_eff in [0, 1].
    target : float
        The value wanted.
    tolerance : float
        Distance from the target that counts as reached.

    Raises
    ------
    InputError
        If `target` is not finite.

    Notes
    -----
    The scan brackets the first crossing; then a secant step, kept off the bracket's ends, alternates with a bisection,
    both on log(1 - λ_eff), until the target is met or no number is left between the ends. So the bracket shrinks at
    least by half every other step, whatever the curve does inside.
    """
    if not math.isfinite(target):
        raise InputError(f"target must be finite, got {target}")
    scanned = [(point, curve(point)) for point in SCAN]
    values = [value for _, value in scanned]
    found = _first_crossing(scanned, target, tolerance)
    least, most = min(values), max(values)
    if found is None:
        return TargetSearch(target, None, None, least, most)
    lambda_eff, value = _refined(curve, *found, target, tolerance)
    return TargetSearch(target, lambda_eff, value, least, most)


def _first_crossing(
    scanned: list[tuple[float, float]], target: float, tolerance: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    for low, high in zip(scanned, [*scanned[1:], scanned[-1]], strict=True):
        if abs(low[1] - target) <= tolerance:
            return low, low
        if (low[1] - target) * (high[1] - target) < 0:
            return low, high
    return None


def _refined(
    curve: Curve, low: tuple[float, float], high: tuple[float, float], target: float, tolerance: float
) -> tuple[float, float]:
    for step in range(MOST_STEPS):
        middle = _between(low[0], high[0], 0.5 if step % 2 else _secant_part(low[1], high[1], target))
        if not low[0] < middle < high[0]:
            break
        point = (middle, curve(middle))
        if abs(point[1] - target) <= tolerance:
            return point
        low, high = (low, point) if (point[1] - target) * (high[1] - target) > 0 else (point, high)
    return min((low, high), key=lambda end: abs(end[1] - target))


def _secant_part(low: float, high: float, target: float) -> float:
    return min(max((target - low) / (high - low), 0.05), 0.95) if high != low else 0.5


def _between(low: float, high: float, part: float) -> float:
    """A number between two λ_eff, `part` of the way on log(1 - λ_eff)."""
    if high == 1.0:
        return 1.0 - 0.5 * (1.0 - low)
    # Not 1 - exp(log(1 - x)): a λ_eff near 0 has more digits than 1 - λ_eff.
    return -math.expm1((1.0 - part) * math.log1p(-low) + part * math.log1p(-high))
