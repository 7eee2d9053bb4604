"""The one-dimensional search for a pool's price: safeguarded Newton steps inside a bracket, so that it always ends.

`search` is a generator that asks for the pool's payout at one price after another. A large pool runs it as plain Python
with threaded passes. Many capped creators with a few videos each run the same code compiled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from numba.extending import register_jitable

from creatorpool.numerics.types import Floats

# What a probe asks for: the excess; the excess and the poles next to the anchor; or nothing, because the search ended.
EXCESS, EXCESS_AND_POLES, SOLVED, FLOORS_EXCEED, CAPS_FALL_SHORT = range(5)

# Slots of the caller's reply to a probe: payout minus target, -dpayout/dlog(delta), poles below and above the anchor.
EXCESS_AT, SLOPE_AT, BELOW_AT, ABOVE_AT = range(4)

# Slots in which a part of the search leaves its result for `search`: the outcome; the anchor and its bracket.
OUTCOME_AT, ANCHOR_AT, LOWER_AT, UPPER_AT = range(4, 8)
REPLY_SLOTS = 8
ENDED, INSIDE, WITHOUT_WEIGHT = 0.0, 1.0, 2.0

Probe = tuple[int, bool, float, float]  # what is asked, then the price: ranked, anchor, delta

# A step that does not halve the excess is slow. After PATIENCE slow steps the search bisects.
PROGRESS = 0.5
PATIENCE = 2
# If a step shrinks delta below this part of itself while delta has no lower bound, the search locates the poles.
POLE_SHRINK = 2.0**-10


@register_jitable
def search(
    reply: Floats,
    rank_only: bool,
    slope: float,
    top: float,
    starts: tuple[float, float],
    tolerance: float,
) -> Iterator[Probe]:
    """Probe prices until the payout meets its target. The last probe yields the status and the price found.

    Parameters
    ----------
    reply : (REPLY_SLOTS,) array
        The caller writes the answer here before it resumes the generator.
    rank_only : bool
        Whether the objective is a linear program.
    slope : float
        `Objective.pole_slope`: 0 if no video has a pole.
    top : float
        The largest scaled effective impressions.
    starts : (float, float)
        First guess of `delta` for the closed form and for an equal split; infinite for a target of 0.
    tolerance : float
        Largest excess that counts as 0, money.
    """
    ranked, anchor, low, high = rank_only or top == 0.0, top, 0.0, math.inf
    delta = starts[1] if ranked else starts[0]
    best_delta, best_excess, slow, reach = delta, math.inf, 0, 4.0
    is_lost, is_surveyed = ranked or delta == math.inf, False
    while True:
        if is_lost and not is_surveyed:
            is_surveyed = True
            for probe in exact_ends(reply, tolerance):
                yield probe
            if reply[OUTCOME_AT] == WITHOUT_WEIGHT:
                ranked, anchor, low, high, delta, best_excess = True, 0.0, 0.0, math.inf, starts[1], math.inf
            elif reply[OUTCOME_AT] == INSIDE and low == 0.0 and (ranked or slope > 0.0):
                for probe in last_pole(reply, ranked, anchor, tolerance):
                    yield probe
                if not ranked and reply[ANCHOR_AT] < anchor:
                    low = slope * (reply[LOWER_AT] - reply[ANCHOR_AT])
                    high = slope * (reply[UPPER_AT] - reply[ANCHOR_AT])
                    delta, best_excess = 0.5 * (low + high), math.inf
                anchor = reply[ANCHOR_AT]
            if reply[OUTCOME_AT] == ENDED:
                return
        yield EXCESS, ranked, anchor, delta
        excess = reply[EXCESS_AT]
        slow = slow + 1 if abs(excess) > PROGRESS * best_excess else 0
        if abs(excess) < best_excess:
            best_delta, best_excess = delta, abs(excess)
        if abs(excess) <= tolerance:
            break
        if excess > 0.0:
            low = delta
        else:
            high = delta
        step = newton(delta, excess, reply[SLOPE_AT])
        is_lost = slow > PATIENCE or not low < step < high or (low == 0.0 and step < POLE_SHRINK * delta)
        if not low < step < high or slow > PATIENCE:
            step = middle(low, high, reach)
            slow, reach = 0, reach * reach
        if not low < step < high:
            break
        delta = step
    yield SOLVED, ranked, anchor, best_delta


@register_jitable
def newton(delta: float, excess: float, slope: float) -> float:
    """Newton's step on ``1 / delta``, in which payouts under caps are concave, or on `delta`, convex under floors.

    If the payout is too small, the first step stays positive. If it is too large, the second step does not overshoot
    in a pool with floors only. Both are exact if every interior payout is a constant over `delta`.
    """
    if slope <= 0.0:
        return math.nan
    ratio = excess / slope
    if ratio < 1.0:
        return delta / (1.0 - ratio)
    return delta * (1.0 + ratio)


@register_jitable
def middle(low: float, high: float, reach: float) -> float:
    """A point inside the bracket: the geometric mean, or a factor of `reach` away from the only known end."""
    if low == 0.0:
        return high / reach
    if high == math.inf:
        return low * reach
    return math.sqrt(low) * math.sqrt(high)


@register_jitable
def exact_ends(reply: Floats, tolerance: float) -> Iterator[Probe]:
    """Probe the extreme payouts: all videos at their floors; videos with weight at their caps; all at their caps.

    The outcome is ENDED if the target is one of these payouts or outside their range, INSIDE if it lies between the
    first two, and WITHOUT_WEIGHT if money is left for videos without weight.
    """
    reply[OUTCOME_AT] = ENDED
    yield EXCESS, True, math.inf, 1.0
    if reply[EXCESS_AT] >= -tolerance:
        yield (SOLVED if reply[EXCESS_AT] <= tolerance else FLOORS_EXCEED), True, math.inf, 1.0
        return
    yield EXCESS, True, 0.0, math.inf
    if abs(reply[EXCESS_AT]) <= tolerance:
        yield SOLVED, True, 0.0, math.inf
        return
    if reply[EXCESS_AT] > 0.0:
        reply[OUTCOME_AT] = INSIDE
        return
    yield EXCESS, True, 0.0, 0.0
    if reply[EXCESS_AT] <= tolerance:
        yield (SOLVED if reply[EXCESS_AT] >= -tolerance else CAPS_FALL_SHORT), True, 0.0, 0.0
        return
    reply[OUTCOME_AT] = WITHOUT_WEIGHT


@register_jitable
def last_pole(reply: Floats, ranked: bool, top: float, tolerance: float) -> Iterator[Probe]:
    """Find the largest pole up to `top` at which the payout exceeds the target: the root lies between it and the next.

    Writes that pole into `reply`, with a bracket: one point that pays too much and one that does not.
    """
    reply[OUTCOME_AT] = ENDED
    yield EXCESS_AND_POLES, ranked, top, 0.0
    if abs(reply[EXCESS_AT]) <= tolerance:
        yield SOLVED, ranked, top, 0.0
        return
    lower, below, upper, excess_upper = top, top, math.inf, reply[EXCESS_AT]
    if excess_upper < 0.0:
        below, upper = reply[BELOW_AT], top
        yield EXCESS_AND_POLES, ranked, 0.0, 0.0
        lower = reply[ABOVE_AT]  # at the smallest pole every video with weight is at its cap, which pays too much
    above, excess_lower, by_secant = lower, math.nan, False
    while below > lower:
        x = math.sqrt(above) * math.sqrt(below)
        if by_secant:
            x = lower + (upper - lower) * (excess_lower / (excess_lower - excess_upper))
        x = max(min(x, below), above)
        yield EXCESS_AND_POLES, ranked, x, 0.0
        if abs(reply[EXCESS_AT]) <= tolerance:
            yield SOLVED, ranked, x, 0.0
            return
        if reply[EXCESS_AT] > 0.0:
            lower, above, excess_lower = x, reply[ABOVE_AT], reply[EXCESS_AT]
        else:
            upper, below, excess_upper = x, reply[BELOW_AT], reply[EXCESS_AT]
        by_secant = not by_secant and excess_lower > 0.0
    reply[ANCHOR_AT], reply[LOWER_AT], reply[UPPER_AT] = below, lower, upper
    reply[OUTCOME_AT] = INSIDE
