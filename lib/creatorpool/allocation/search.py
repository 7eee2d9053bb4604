"""The one-dimensional search for a pool's price: safeguarded Newton steps inside a bracket that cannot fail.

`search` is a generator that asks for the pool's payout at one price after another. It runs as plain Python over a large
pool, whose passes are threaded, and compiled over each capped creator's few videos: one logic for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from numba.extending import register_jitable

from creatorpool.allocation.types import Floats

# What a probe asks for: the excess; the excess and the poles next to the anchor; nothing, the search has ended.
EXCESS, EXCESS_AND_POLES, SOLVED, FLOORS_EXCEED, CAPS_FALL_SHORT = range(5)

# Slots of the caller's reply to a probe: payout minus target, -dpayout/dlog(delta), poles below and above the anchor.
EXCESS_AT, SLOPE_AT, BELOW_AT, ABOVE_AT = range(4)

Probe = tuple[int, bool, float, float]  # what is asked, then the price: ranked, anchor, delta

# A Newton step that does not halve the excess is slow; after PATIENCE slow steps comes a bisection.
PROGRESS = 0.5
PATIENCE = 2


@register_jitable
def middle(low: float, high: float, reach: float) -> float:
    """A point inside the bracket: the geometric mean, or a factor of `reach` away from the only end known."""
    if low == 0.0:
        return high / reach
    if high == math.inf:
        return low * reach
    return math.sqrt(low) * math.sqrt(high)


@register_jitable
def newton(delta: float, excess: float, slope: float) -> float:
    """Newton's step on ``1 / delta``, in which payouts under caps are concave, or on `delta`, convex under floors.

    From a payout too small the first cannot leave the positive half-line; from one too large the second cannot
    overshoot a pool with floors only. Both are exact where every interior payout is a constant over `delta`.
    """
    if slope <= 0.0:
        return math.nan
    ratio = excess / slope
    if ratio < 1.0:
        return delta / (1.0 - ratio)
    return delta * (1.0 + ratio)


def search(
    reply: Floats,
    rank_only: bool,
    slope: float,
    top: float,
    starts: tuple[float, float],
    tolerance: float,
) -> Iterator[Probe]:
    """Probe prices until the payout meets its target; the last probe yielded says how it ended and at which price.

    Parameters
    ----------
    reply : (4,) array
        Where the caller puts the answer before it resumes the generator.
    rank_only : bool
        Whether the objective is a linear program.
    slope : float
        `Objective.pole_slope`: 0 if no video has a pole.
    top : float
        The largest scaled effective impressions.
    starts : (float, float)
        First guess of `delta` for the closed form, and for an equal split.
    tolerance : float
        Excess that counts as none, money.
    """
    # 1. The exact ends: everyone at the floor; every video of weight at its cap, and the rest to those without weight.
    yield EXCESS, True, math.inf, 1.0
    if reply[EXCESS_AT] >= -tolerance:
        yield (SOLVED if reply[EXCESS_AT] <= tolerance else FLOORS_EXCEED), True, math.inf, 1.0
        return
    yield EXCESS, True, 0.0, math.inf
    if abs(reply[EXCESS_AT]) <= tolerance:
        yield SOLVED, True, 0.0, math.inf
        return
    ranked, anchor, low, high, delta = rank_only, top, 0.0, math.inf, starts[0]
    low_is_known = slope == 0.0 and not rank_only
    if reply[EXCESS_AT] < 0.0:
        yield EXCESS, True, 0.0, 0.0
        if reply[EXCESS_AT] <= tolerance:
            yield (SOLVED if reply[EXCESS_AT] >= -tolerance else CAPS_FALL_SHORT), True, 0.0, 0.0
            return
        ranked, anchor, low_is_known = True, 0.0, True
    if ranked:
        delta = starts[1]

    # 2. The root of the closed form above the pole of `anchor`, which is first the topmost pole.
    best_delta, best_excess, slow, reach = delta, math.inf, 0, 4.0
    while True:
        if not low_is_known and (ranked or slow >= PATIENCE or delta < high * 2.0**-10 < math.inf):
            yield EXCESS_AND_POLES, ranked, anchor, 0.0
            low_is_known = True
            if abs(reply[EXCESS_AT]) <= tolerance:
                best_delta = 0.0
                break
            if reply[EXCESS_AT] < 0.0:
                # 3. The root lies under the topmost pole: find the last pole at which too much would be paid.
                upper, below, excess_upper = anchor, reply[BELOW_AT], reply[EXCESS_AT]
                yield EXCESS_AND_POLES, ranked, 0.0, 0.0
                # At the smallest pole every video of weight is at its cap: step 1 found that to be too much.
                lower, above, excess_lower, by_secant = reply[ABOVE_AT], reply[ABOVE_AT], math.nan, False
                while below > lower:
                    x = math.sqrt(max(lower, above)) * math.sqrt(below)
                    if by_secant:
                        x = lower + (upper - lower) * (excess_lower / (excess_lower - excess_upper))
                    x = max(min(x, below), max(lower, above))
                    yield EXCESS_AND_POLES, ranked, x, 0.0
                    if reply[EXCESS_AT] > 0.0:
                        lower, above, excess_lower = x, reply[ABOVE_AT], reply[EXCESS_AT]
                    else:
                        upper, below, excess_upper = x, reply[BELOW_AT], reply[EXCESS_AT]
                    by_secant = not by_secant and excess_lower > 0.0
                anchor = below
                if not ranked:
                    low, high = slope * (lower - anchor), slope * (upper - anchor)
                    delta = 0.5 * (low + high)
                best_delta, best_excess = delta, math.inf
        yield EXCESS, ranked, anchor, delta
        excess = reply[EXCESS_AT]
        slow = slow + 1 if abs(excess) > PROGRESS * best_excess else 0
        if abs(excess) < best_excess:
            best_delta, best_excess = delta, abs(excess)
        if abs(excess) <= tolerance:
            break
        if excess > 0.0:
            low, low_is_known = delta, True
        else:
            high = delta
        delta = newton(delta, excess, reply[SLOPE_AT])
        if slow > PATIENCE or not low < delta < high:
            delta = middle(low, high, reach)
            slow, reach = 0, reach * reach
        if not low < delta < high:
            break
    yield SOLVED, ranked, anchor, best_delta
