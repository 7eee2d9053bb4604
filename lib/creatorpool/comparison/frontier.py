"""The frontier of fairness and efficiency: one pool split under many settings of its policy (formulas §2.8, §6.1)."""

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
    """Σ s p / P: attention that the money follows; the linear program's own efficiency term"""
    efficiency_log: float
    """Σ s log(p / P): the log program's own; -inf where a video of weight gets nothing"""
    fairness: float
    """Σ ŵ log(p / P), ŵ = w / Σw; -inf where a video of weight gets nothing"""
    spread: Spread
    moved: float
    """Money that the efficiency weight moved: against the same α at λ_eff = 0"""
    max_kkt_residual: float


def sweep(pool: Pool, is_small: Bools, policies: Iterable[SplitPolicy]) -> list[FrontierPoint]:
    """Split `pool`, which can pay, under each of `policies`.

    Parameters
    ----------
    is_small : (n,) bool array
        Videos of small creators, by which `Spread.small_creators_share` is measured.
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
    weight = share**policy.alpha  # zero stays zero: alpha > 0
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
    """Of each point whether no other of the same α is as fair and as efficient, and better in one.

    Compared as the tables hold them: by `fairness` and `efficiency`, whatever the objective that led there.
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
