"""The change of a payout between two days, in parts (docs/allocation.md derives the rules; formulas §2.10).

Inside its bounds a payout is a product of powers, or under `log` the sum of two: the change is split by logarithmic
means, exactly, with no order among the factors. What a bound takes or gives is a second player beside this free payout,
and a change of policy one beside a change of the day: each gets its Shapley value, the mean over both orders of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.objective import power
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.logarithmic import log_change, log_mean
from creatorpool.explanation.parts import Parts
from creatorpool.numerics.types import Floats

MOST_POLE_PULL = 100.0
"""Next to a pole a payout answers its own share without limit: rank decides there. Beyond it is competition."""


@dataclass(frozen=True)
class DayPolicy:
    """How a day's videos were rated and its pool was split: what decides payouts beside money, videos and bounds."""

    split: SplitPolicy
    exponents: Mapping[str, float]
    """φ of every component, custom signals included"""


@dataclass(frozen=True)
class PoolState:
    """n videos of one pool on one day under one policy; (n,) arrays."""

    money: float
    """P, what the pool pays out, micros"""
    views: Floats
    components: Mapping[str, Floats]
    effective_impressions: Floats
    share: Floats
    """s = M / ΣM in the pool"""
    fairness: Floats
    """Free payout, that is at the pool's price without bounds: its fairness term (under `linear` all of it), micros"""
    efficiency: Floats
    """The other term under `log`, else 0"""
    lower: Floats
    """The floor where it holds the payout, else -inf"""
    upper: Floats
    """The cap, the video's or the creator's, where it holds the payout, else inf"""

    @property
    def free(self) -> Floats:
        """Payout at the pool's price if no bound held it."""
        return self.fairness + self.efficiency

    @property
    def payout(self) -> Floats:
        """Payout before it is rounded."""
        return self.bounded(self.free)

    def bounded(self, free: Floats) -> Floats:
        """Any free payout under the bounds that hold here."""
        return np.asarray(np.clip(free, self.lower, self.upper))


def payout_parts(before: PoolState, after: PoolState, policy: DayPolicy) -> Parts:
    """Parts of ``after.payout - before.payout``, both under `policy`, of videos that are in the pool on both days."""
    free = _free_parts(before, after, policy)
    old, new = before.free, after.free
    # Two players, the free payout and the bounds in force: each gets the mean of what it adds first and what last.
    by_free = 0.5 * ((before.bounded(new) - before.bounded(old)) + (after.bounded(new) - after.bounded(old)))
    by_bounds = 0.5 * ((after.bounded(old) - before.bounded(old)) + (after.bounded(new) - before.bounded(new)))
    # Along the path on which all logarithms change evenly, factors count in proportion while no bound holds the payout.
    moved = new - old
    still = 0.5 * (_is_inside(before, old) + _is_inside(after, old))
    reached = np.where(moved == 0, still, by_free / np.where(moved == 0, 1.0, moved))
    return {name: part * reached for name, part in free.items()} | {"bounds": by_bounds}


def policy_parts(states: Mapping[tuple[int, int], PoolState], policies: tuple[DayPolicy, DayPolicy]) -> Parts:
    """As `payout_parts`, where the policy changed as well.

    Parameters
    ----------
    states
        By (day, policy), 0 the earlier and 1 the later: (0, 0) and (1, 1) are what was paid, the other two are what the
        day would have paid under the other day's policy.
    """
    steps = [payout_parts(states[0, p], states[1, p], policies[p]) for p in (0, 1)]
    names = list(dict.fromkeys([*steps[0], *steps[1]]))
    none = np.zeros(states[0, 0].views.size)
    parts = {name: 0.5 * (steps[0].get(name, none) + steps[1].get(name, none)) for name in names}
    first, second = (states[day, 1].payout - states[day, 0].payout for day in (0, 1))
    return parts | {"policy": 0.5 * (first + second)}


def _is_inside(state: PoolState, free: Floats) -> Floats:
    return ((free > state.lower) & (free < state.upper)).astype(np.float64)


def _free_parts(before: PoolState, after: PoolState, policy: DayPolicy) -> Parts:
    """Parts of ``after.free - before.free``: pool size, views, each component, and competition for what is left."""
    change = after.free - before.free
    fairness = log_mean(before.fairness, after.fairness)
    efficiency = log_mean(before.efficiency, after.efficiency)
    reach = _reach(before, after, policy, fairness, efficiency)
    parts = {
        "pool_size": (fairness + efficiency) * log_change(before.money, after.money),
        "views": reach * log_change(before.views, after.views),
    }
    for name, exponent in policy.exponents.items():
        parts[name] = reach * (exponent * log_change(before.components[name], after.components[name]))
    appears = (before.free > 0) != (after.free > 0)
    if appears.any():
        parts = _with_appearances(parts, before, after, policy, appears, change)
    rest = change
    for part in parts.values():
        rest = rest - part
    return parts | {"competition": rest}


def _reach(before: PoolState, after: PoolState, policy: DayPolicy, fairness: Floats, efficiency: Floats) -> Floats:
    """What the free payout gains a unit of its log M: α of the fairness term, 1 of the other, and the pole's pull."""
    own = policy.split.alpha * fairness + efficiency
    if policy.split.objective == "log" or policy.split.lambda_eff == 0.0:
        return own
    if policy.split.lambda_eff == 1.0:  # a linear program: rank decides, and rank is competition
        return np.zeros_like(own)
    poles, distances = [], []
    for state in (before, after):
        weight = state.money * (1.0 - policy.split.lambda_eff) * power(state.share, policy.split.alpha)
        poles.append(policy.split.lambda_eff * state.share)
        distances.append(weight / np.where(state.free > 0, state.free, 1.0))  # ν P - λ_eff s, from the closed form
    distance = log_mean(*distances)
    pull = log_mean(*poles) / np.where(distance > 0, distance, 1.0)
    return own + fairness * np.where(distance > 0, np.minimum(pull, MOST_POLE_PULL), 0.0)


def _with_appearances(
    parts: Parts, before: PoolState, after: PoolState, policy: DayPolicy, appears: NDArray[np.bool_], change: Floats
) -> Parts:
    """The whole change of payouts that are 0 on one of the days, to what is 0 there.

    The limit of the logarithmic split as the zeros go to 0 together: components that are 0 share by their exponents;
    with quality above 0 the pool's money, if there was none; otherwise the price, which is competition.
    """
    absent = {
        name: _zero_once(before.components[name], after.components[name], policy, name) for name in policy.exponents
    }
    weight = sum(absent.values(), np.zeros(change.size))
    lacks_quality = (np.minimum(before.effective_impressions, after.effective_impressions) == 0) & (weight > 0)
    lacks_money = ~lacks_quality & (min(before.money, after.money) == 0)
    result = {name: np.where(appears, 0.0, part) for name, part in parts.items()}
    result["pool_size"] = np.where(appears & lacks_money, change, result["pool_size"])
    for name, exponent in absent.items():
        part = change * (exponent / np.where(weight > 0, weight, 1.0))
        result[name] = np.where(appears & lacks_quality, part, result[name])
    return result


def _zero_once(before: Floats, after: Floats, policy: DayPolicy, name: str) -> Floats:
    return np.where((before > 0) != (after > 0), policy.exponents[name], 0.0)
