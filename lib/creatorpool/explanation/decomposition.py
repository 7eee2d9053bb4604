"""The change of a payout between two days, in parts (docs/allocation.md derives the rules; formulas §2.10).

Inside its bounds a payout is a product of powers, or under `log` the sum of two such products. Logarithmic means split
the change of a product exactly, with no order among its factors. The bounds are a second cause beside this free payout,
and a change of policy is a second cause beside a change of the day. Two causes each get their Shapley value, the mean
over both orders.
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
from creatorpool.explanation.pool_money import PoolMoney, absent_causes, cause_logs
from creatorpool.numerics.types import Floats

Money = tuple[PoolMoney, PoolMoney]
"""The money of one pool on the earlier and on the later day."""

MAX_POLE_PULL = 100.0
"""Largest pull of a pole that counts for the own share. Nearer to the pole, rank decides, which is competition."""


@dataclass(frozen=True)
class DayPolicy:
    """The policy that scored a day's videos and split its pools, without the money, the videos and their bounds."""

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
    """Fairness term of the free payout (at the pool's price, without bounds), micros; under `linear` all of it"""
    efficiency: Floats
    """Efficiency term of the free payout under `log`, micros; else 0"""
    lower: Floats
    """The floor, micros, where it holds the payout, else -inf"""
    upper: Floats
    """The payout's limit by the video's or the creator's cap, micros, where a cap holds the payout, else inf"""

    @property
    def free(self) -> Floats:
        """(n,) payouts at the pool's price without bounds, micros."""
        return self.fairness + self.efficiency

    @property
    def payout(self) -> Floats:
        """(n,) payouts before rounding, micros."""
        return self.bounded(self.free)

    def bounded(self, free: Floats) -> Floats:
        """Any (n,) free payouts, clipped to the bounds that hold here."""
        return np.asarray(np.clip(free, self.lower, self.upper))


def payout_parts(before: PoolState, after: PoolState, policy: DayPolicy, money: Money) -> Parts:
    """Parts, micros, of ``after.payout - before.payout`` under one `policy`, for videos in the pool on both days."""
    free = _free_parts(before, after, policy, money)
    old, new = before.free, after.free
    # Two causes, the free payout and the bounds: each gets the mean of its effect as the first and as the last cause.
    by_free = 0.5 * ((before.bounded(new) - before.bounded(old)) + (after.bounded(new) - after.bounded(old)))
    by_bounds = 0.5 * ((after.bounded(old) - before.bounded(old)) + (after.bounded(new) - before.bounded(new)))
    # Along the path on which all logarithms change evenly, the factors count in proportion where no bound holds.
    free_change = new - old
    inside = 0.5 * (_is_inside(before, old) + _is_inside(after, old))
    passed_on = np.where(free_change == 0, inside, by_free / np.where(free_change == 0, 1.0, free_change))
    return {name: part * passed_on for name, part in free.items()} | {"bounds": by_bounds}


def policy_parts(
    states: Mapping[tuple[int, int], PoolState], policies: tuple[DayPolicy, DayPolicy], money: Money
) -> Parts:
    """As `payout_parts`, where the policy changed as well.

    Parameters
    ----------
    states
        States by (day, policy), 0 for the earlier and 1 for the later: (0, 0) and (1, 1) are the published days, the
        other two are each day under the other day's policy.
    """
    steps = [payout_parts(states[0, p], states[1, p], policies[p], money) for p in (0, 1)]
    names = list(dict.fromkeys([*steps[0], *steps[1]]))
    none = np.zeros(states[0, 0].views.size)
    parts = {name: 0.5 * (steps[0].get(name, none) + steps[1].get(name, none)) for name in names}
    first, second = (states[day, 1].payout - states[day, 0].payout for day in (0, 1))
    return parts | {"policy": 0.5 * (first + second)}


def _is_inside(state: PoolState, free: Floats) -> Floats:
    return ((free > state.lower) & (free < state.upper)).astype(np.float64)


def _free_parts(before: PoolState, after: PoolState, policy: DayPolicy, money: Money) -> Parts:
    """Parts of ``after.free - before.free``: the pool's causes, views, each component, and the rest as competition."""
    change = after.free - before.free
    fairness = log_mean(before.fairness, after.fairness)
    efficiency = log_mean(before.efficiency, after.efficiency)
    sensitivity = _own_sensitivity(before, after, policy, fairness, efficiency)
    paid = (before.money, after.money)
    parts = {name: (fairness + efficiency) * change for name, change in cause_logs(money, paid).items()}
    parts["views"] = sensitivity * log_change(before.views, after.views)
    for name, exponent in policy.exponents.items():
        parts[name] = sensitivity * (exponent * log_change(before.components[name], after.components[name]))
    appears = (before.free > 0) != (after.free > 0)
    if appears.any():
        parts = _with_appearances(parts, before, after, policy, money, appears, change)
    rest = change
    for part in parts.values():
        rest = rest - part
    return parts | {"competition": rest}


def _own_sensitivity(
    before: PoolState, after: PoolState, policy: DayPolicy, fairness: Floats, efficiency: Floats
) -> Floats:
    """d(free payout) / d(log M), micros: α · fairness term + efficiency term + the pull of the pole."""
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
    return own + fairness * np.where(distance > 0, np.minimum(pull, MAX_POLE_PULL), 0.0)


def _with_appearances(
    parts: Parts,
    before: PoolState,
    after: PoolState,
    policy: DayPolicy,
    money: Money,
    appears: NDArray[np.bool_],
    change: Floats,
) -> Parts:
    """`parts` where payouts that are 0 on one of the days give their whole change to the factors that are 0 there.

    This is the limit of the logarithmic split as the zeros go to 0 together: components that are 0 share the change by
    their exponents. With quality above 0 the change goes to what left the pool without money, else to competition.
    """
    absent = {
        name: _zero_once(before.components[name], after.components[name], policy, name) for name in policy.exponents
    }
    weight = sum(absent.values(), np.zeros(change.size))
    lacks_quality = (np.minimum(before.effective_impressions, after.effective_impressions) == 0) & (weight > 0)
    lacks_money = ~lacks_quality & (min(before.money, after.money) == 0)
    result = {name: np.where(appears, 0.0, part) for name, part in parts.items()}
    for name, weight_of_cause in absent_causes(money, (before.money, after.money)).items():
        result[name] = np.where(appears & lacks_money, weight_of_cause * change, result[name])
    for name, exponent in absent.items():
        part = change * (exponent / np.where(weight > 0, weight, 1.0))
        result[name] = np.where(appears & lacks_quality, part, result[name])
    return result


def _zero_once(before: Floats, after: Floats, policy: DayPolicy, name: str) -> Floats:
    return np.where((before > 0) != (after > 0), policy.exponents[name], 0.0)
