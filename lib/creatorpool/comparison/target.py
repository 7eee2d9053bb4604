"""The λ_eff that reaches a target (formulas §2.8): a safeguarded search that works on any curve."""

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
"""First points of the search, dense near 1: the linear objective changes nothing before 1 - λ_eff is tiny."""
TOLERANCE = 1e-9
MAX_STEPS = 200


@dataclass(frozen=True)
class TargetSearch:
    """Result of a search. If `lambda_eff` is None, the target is outside the reachable range `least` to `most`."""

    target: float
    lambda_eff: float | None
    value: float | None
    """Value of the curve at `lambda_eff`; misses the target only if the curve jumps between neighbouring floats"""
    least: float
    most: float


def find_lambda(curve: Curve, target: float, tolerance: float = TOLERANCE) -> TargetSearch:
    """The smallest λ_eff, at the resolution of `SCAN`, at which `curve` has the value `target`.

    Parameters
    ----------
    curve : callable
        A measure of the split as a function of λ_eff in [0, 1].
    target : float
        The wanted value.
    tolerance : float
        Largest distance from the target that counts as reached.

    Raises
    ------
    InputError
        If `target` is not finite.

    Notes
    -----
    The scan brackets the first crossing. Then secant steps, limited away from the bracket's ends, alternate with
    bisections, both on log(1 - λ_eff), until the target is met or no float is left between the ends. On any curve,
    every second step at least halves the bracket.
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
    for step in range(MAX_STEPS):
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
    """The number between two λ_eff after `part` of the distance on the scale log(1 - λ_eff)."""
    if high == 1.0:
        return 1.0 - 0.5 * (1.0 - low)
    # expm1 and log1p, because a λ_eff near 0 has more digits than 1 - λ_eff.
    return -math.expm1((1.0 - part) * math.log1p(-low) + part * math.log1p(-high))
