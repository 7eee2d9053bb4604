"""The frontier of fairness and efficiency: one pool split under many policies (formulas §2.8, §6.1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from creatorpool.allocation import money_moved
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.measures import Bools, Spread, spread
from creatorpool.comparison.pool import Pool
from creatorpool.numerics.types import Floats


@dataclass(frozen=True)
class FrontierPoint:
    """One split of a pool, measured."""

    policy: SplitPolicy
    efficiency: float
    """Σ s p / P, the efficiency term of the linear program: it grows as money follows effective impressions"""
    efficiency_log: float
    """Σ s log(p / P): the efficiency term of the log program; -inf if a video with weight gets nothing"""
    fairness: float
    """Σ ŵ log(p / P), ŵ = w / Σw; -inf if a video with weight gets nothing"""
    spread: Spread
    moved: float
    """Money that λ_eff moves, micros: against the split with the same α and λ_eff = 0"""
    max_kkt_residual: float


def sweep(pool: Pool, is_small: Bools, policies: Iterable[SplitPolicy]) -> list[FrontierPoint]:
    """Split `pool` under each of `policies`; `pool.can_pay` must hold.

    Parameters
    ----------
    is_small : (n,) bool array
        Videos of small creators, for `Spread.small_creators_share`.
    """
    fairest: dict[tuple[str, float], Floats] = {}
    points = []
    for policy in policies:
        key = (policy.objective, policy.alpha)
        if key not in fairest:
            fairest[key] = pool.split(SplitPolicy(policy.objective, policy.alpha, 0.0)).payout
        points.append(_point(pool, is_small, policy, fairest[key]))
    return points


def _point(pool: Pool, is_small: Bools, policy: SplitPolicy, fairest: Floats) -> FrontierPoint:
    allocation = pool.split(policy)
    payout, m = allocation.payout, pool.effective_impressions
    share = m / math.fsum(m)
    weight = share**policy.alpha  # alpha > 0, so that 0 stays 0
    part = payout / math.fsum(payout)
    return FrontierPoint(
        policy,
        efficiency=math.fsum(share * part),
        efficiency_log=mean_log(part, share),
        fairness=mean_log(part, weight / math.fsum(weight)),
        spread=spread(payout, is_small),
        moved=money_moved(payout, fairest),
        max_kkt_residual=allocation.max_kkt_residual,
    )


def mean_log(part: Floats, weight: Floats) -> float:
    """Σ weight · log(part) over (n,) videos, where 0 · log 0 is 0."""
    rated = weight > 0
    if np.any(part[rated] == 0):
        return -math.inf
    return math.fsum(weight[rated] * np.log(part[rated]))


def undominated(points: Sequence[FrontierPoint]) -> list[bool]:
    """For each point, whether it is undominated among the points with the same α.

    Another point dominates it if it is at least as good in `fairness` and in `efficiency`, and better in one of them.
    These two measures are used under any objective, as in the tables.
    """
    return [
        not any(
            other.policy.alpha == point.policy.alpha
            and (other.fairness, other.efficiency) != (point.fairness, point.efficiency)
            and other.fairness >= point.fairness
            and other.efficiency >= point.efficiency
            for other in points
        )
        for point in points
    ]
