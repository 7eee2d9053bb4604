"""Residuals of the optimality conditions for any allocation: feasibility, stationarity, slackness; in money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.allocation.arguments import check_parameters, checked_pool, checked_videos
from creatorpool.allocation.creator_caps import CreatorCaps, checked_creator_caps
from creatorpool.allocation.objective import BATCH, Objective, pool_objective, power, share_totals
from creatorpool.allocation.policy import ObjectiveName
from creatorpool.allocation.summation import MIN_BOUND, order_free_group_sums, order_free_sum
from creatorpool.errors import InputError
from creatorpool.numerics.compiled import compiled, on_slices
from creatorpool.numerics.types import Floats


@dataclass(frozen=True)
class KktResiduals:
    """Largest violations of the optimality conditions, money (formulas §2.3)."""

    budget: float  # |sum of payouts - pool|
    bounds: float  # payout below its floor or above its cap
    stationarity: float  # payout away from the best response at its price; includes complementary slackness
    creators: float = 0.0  # a creator above the cap, or below the cap although η > 0

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max(self.budget, self.bounds, self.stationarity, self.creators)


def kkt_residuals(
    payout: ArrayLike,
    nu: float,
    effective_impressions: ArrayLike,
    pool: float,
    *,
    alpha: float,
    lambda_eff: float,
    floor: ArrayLike | None = None,
    cap: ArrayLike | None = None,
    objective: ObjectiveName = "linear",
    creator: ArrayLike | None = None,
    creator_cap: ArrayLike | Mapping[Any, float] | None = None,
    eta: ArrayLike = 0.0,
) -> KktResiduals:
    """Measure how far any payouts are from the optimality conditions of formulas §2.3.

    Parameters
    ----------
    payout : (n,) array_like
        Money.
    nu : float
        Multiplier of the pool, objective per money.
    effective_impressions, pool, alpha, lambda_eff, floor, cap, objective, creator, creator_cap
        As for `allocate`.
    eta : (n,) array_like, optional
        Multiplier of the cap of each video's creator, objective per money.

    Raises
    ------
    InputError
        If a payout is not finite, or an argument breaks its rule.

    Notes
    -----
    With gradient g_v of the objective, a payout is stationary at price nu iff it equals its natural map
    ``clip(p + P (g_v / nu - 1), lo, hi)``, and iff it equals its best response ``p*(nu)``. The residual of a video is
    the smaller of the two distances. Near a pole the second magnifies the last bit of nu, near p = 0 the first
    magnifies the last bit of p, and both are far from 0 for a payout that is not optimal.
    """
    m, lo, hi = checked_videos(effective_impressions, floor, cap)
    check_parameters(alpha, lambda_eff, objective)
    p, own = np.ascontiguousarray(payout, dtype=np.float64), np.asarray(eta, dtype=np.float64).reshape(-1)
    if p.shape != m.shape or not np.isfinite(p).all():
        raise InputError(f"payout must hold one finite number per video, shape {m.shape}, got shape {p.shape}")
    goal = pool_objective(
        share_totals(m, alpha), checked_pool(pool), alpha=alpha, lambda_eff=lambda_eff, name=objective
    )
    caps = None if creator_cap is None else checked_creator_caps(creator, creator_cap, m.size)
    return residuals_of(p, nu, own, goal, m, lo, hi, caps)


def residuals_of(
    p: Floats,
    nu: float,
    eta: Floats,
    goal: Objective,
    m: Floats,
    floor: Floats,
    cap: Floats,
    caps: CreatorCaps | None,
) -> KktResiduals:
    """As `kkt_residuals`, for checked arguments; `eta`, `floor` and `cap` are (n,) or (1,) arrays."""
    fair, efficient = _weights(goal)
    is_log = goal.name == "log"
    prices = nu + eta

    def part(first: int, end: int) -> tuple[float, float]:
        worst = [(0.0, 0.0)]
        for start in range(first, end, BATCH):
            v = slice(start, min(start + BATCH, end))
            x = goal.scaled(m[v])
            price, lo, hi = (column[v] if column.size > 1 else column for column in (prices, floor, cap))
            worst.append(_violations(p[v], x, power(x, goal.alpha), price, lo, hi, fair, efficient, goal.pool, is_log))
        return max(bounds for bounds, _ in worst), max(stationarity for _, stationarity in worst)

    parts = on_slices(part, p.size)
    total = order_free_sum(p, max(goal.pool, float(p.max()), MIN_BOUND))
    creators = 0.0 if caps is None else _creator_violation(p, caps, eta, nu, goal.pool)
    budget = abs(total - goal.pool)
    return KktResiduals(budget, max(b for b, _ in parts), max(s for _, s in parts), creators)


def _weights(goal: Objective) -> tuple[float, float]:
    """Factors that turn x**alpha and x into the terms' weights λ_fair w (or ŵ) and λ_eff s."""
    if goal.totals.total == 0.0:
        return 0.0, 0.0
    weight_total = goal.totals.weight_total if goal.name == "log" else goal.totals.total**goal.alpha
    return (1.0 - goal.lambda_eff) / weight_total, goal.lambda_eff / goal.totals.total


def _creator_violation(payout: Floats, caps: CreatorCaps, eta: Floats, nu: float, pool: float) -> float:
    """Largest excess over a cap, or the smaller of slack and price, in money: at the optimum one of the two is 0."""
    slack = caps.cap - order_free_group_sums(payout, caps.code, caps.cap.size, pool)
    own_eta = np.zeros(caps.cap.size)
    own_eta[caps.code] = eta
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.where(own_eta > 0, pool * own_eta / nu, 0.0)
    return float(np.maximum(-slack, np.minimum(slack, price)).max())


@compiled
def _violations(
    payout: Floats,
    x: Floats,
    x_power: Floats,
    nu: Floats,
    floor: Floats,
    cap: Floats,
    fair: float,
    efficient: float,
    pool: float,
    is_log: bool,
) -> tuple[float, float]:
    """Largest violations of the bounds and of stationarity; `nu`, `floor` and `cap` are (n,) or (1,) arrays."""
    worst_bound = worst = 0.0
    for v in range(payout.size):
        p, price = payout[v], nu[v if nu.size > 1 else 0]
        lo, hi = floor[v if floor.size > 1 else 0], cap[v if cap.size > 1 else 0]
        outside = lo - p if lo - p > p - hi else p - hi
        worst_bound = outside if outside > worst_bound else worst_bound
        most = hi if hi < pool else pool
        weight, slope = fair * x_power[v], efficient * x[v] / pool if pool > 0.0 else 0.0
        weight, slope = (weight + efficient * x[v], 0.0) if is_log else (weight, slope)

        gradient = slope + (weight / p if weight > 0.0 else 0.0)
        target = p + pool * ((1.0 if gradient == price else gradient / price) - 1.0)
        target = target if target > lo else lo
        natural = abs(p - (target if target < most else most))

        free = weight / (price - slope) if price > slope else np.inf
        free = lo if price == slope and weight == 0.0 else free
        free = free if free > lo else lo
        best = abs(p - (free if free < most else most))
        distance = natural if natural < best else best
        worst = distance if distance > worst else worst
    return worst_bound, worst
