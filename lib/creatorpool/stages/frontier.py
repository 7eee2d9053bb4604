"""The stage `frontier`: what the day's pools would look like at other settings of the policy."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.policy import ObjectiveName, SplitPolicy
from creatorpool.comparison.frontier import FrontierPoint, sweep, undominated
from creatorpool.comparison.measures import MEASURES, small_creators, spread
from creatorpool.comparison.target import TargetSearch, find_lambda
from creatorpool.errors import InputError
from creatorpool.settings import FrontierSettings
from creatorpool.stages.context import RunContext
from creatorpool.stages.published_day import PublishedPool, publish_study, published_day
from creatorpool.stages.runner import Stage

FRONTIER = "frontier"
STAGE = Stage(FRONTIER, ("pool_payouts",), ("frontier",))
OBJECTIVES: tuple[ObjectiveName, ...] = ("linear", "log")


@dataclass(frozen=True)
class Target:
    """A value that a measure of `MEASURES` is to take, as in ``gini=0.6``."""

    measure: str
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``measure=value``; InputError if it is none."""
        measure, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if measure not in MEASURES or not 0.0 <= number <= 1.0:
            raise InputError(f"a target is one of {sorted(MEASURES)}, '=' and a number from 0 to 1, got '{text}'")
        return cls(measure, number)

    def __str__(self) -> str:
        return f"{self.measure}={self.value:g}"


@dataclass(frozen=True)
class PoolFrontier:
    """One pool's sweep, and for each objective the search for the target, if there is one."""

    published: PublishedPool
    is_small: NDArray[np.bool_]
    points: Sequence[FrontierPoint]
    searches: dict[ObjectiveName, TargetSearch]


def publish_frontier(
    context: RunContext, categories: Collection[str] = (), target: Target | None = None
) -> list[PoolFrontier]:
    """Publish table `allocation_frontier` of the day's published pools, or of `categories`.

    Pools without money, or without a video that may get any, have no frontier and are left out.
    """
    day = published_day(context, categories)
    frontiers: list[PoolFrontier] = []

    def compute() -> list[dict[str, Any]]:
        paying = [pool for pool in day.pools.values() if pool.pool.can_pay]
        frontiers.extend(_sweep_pool(pool, context.settings.frontier, target) for pool in paying)
        for frontier in frontiers:
            _log_searches(context, frontier, target)
        return _records(context, frontiers, target)

    publish_study(context, STAGE, day, compute)
    return frontiers


def _sweep_pool(published: PublishedPool, settings: FrontierSettings, target: Target | None) -> PoolFrontier:
    pool, own = published.pool, published.policy
    is_small = small_creators(pool.creator, pool.effective_impressions, settings.small_creators)
    searches = {} if target is None else {name: _search(published, is_small, name, target) for name in OBJECTIVES}
    found = {SplitPolicy(name, own.alpha, s.lambda_eff) for name, s in searches.items() if s.lambda_eff is not None}
    grid = {
        SplitPolicy(objective, alpha, lambda_eff)
        for objective in OBJECTIVES
        for alpha in (*settings.alpha, own.alpha)
        for lambda_eff in settings.lambda_eff
    }
    policies = sorted({own} | grid | found, key=lambda policy: (policy.objective, policy.alpha, policy.lambda_eff))
    return PoolFrontier(published, is_small, sweep(pool, is_small, policies), searches)


def _search(
    published: PublishedPool, is_small: NDArray[np.bool_], objective: ObjectiveName, target: Target
) -> TargetSearch:
    pool, alpha, measure = published.pool, published.policy.alpha, MEASURES[target.measure]
    return find_lambda(
        lambda lambda_eff: measure(spread(pool.split(SplitPolicy(objective, alpha, lambda_eff)).payout, is_small)),
        target.value,
    )


def _log_searches(context: RunContext, frontier: PoolFrontier, target: Target | None) -> None:
    for objective, search in frontier.searches.items():
        where = f"pool {frontier.published.pool.category}, objective {objective}: {target}"
        reach = f"reachable is {search.least:.6g} to {search.most:.6g}"
        if search.lambda_eff is None:
            context.log(FRONTIER, f"{where} is out of reach at any lambda_eff; {reach}")
        else:
            context.log(FRONTIER, f"{where} at lambda_eff {search.lambda_eff!r}, where it is {search.value!r}; {reach}")


def _records(context: RunContext, frontiers: Sequence[PoolFrontier], target: Target | None) -> list[dict[str, Any]]:
    return [
        _record(context, frontier, point, is_best, target)
        for frontier in frontiers
        for point, is_best in zip(frontier.points, undominated(frontier.points), strict=True)
    ]


def _record(
    context: RunContext, frontier: PoolFrontier, point: FrontierPoint, is_undominated: bool, target: Target | None
) -> dict[str, Any]:
    policy = point.policy
    search = frontier.searches.get(policy.objective)
    is_found = search is not None and (policy.alpha, policy.lambda_eff) == (
        frontier.published.policy.alpha,
        search.lambda_eff,
    )
    return {
        "date": context.day,
        "category": frontier.published.pool.category,
        "objective": policy.objective,
        "alpha": policy.alpha,
        "lambda_eff": policy.lambda_eff,
        "efficiency": point.efficiency,
        "efficiency_log": _finite(point.efficiency_log),
        "fairness": _finite(point.fairness),
        "is_undominated": is_undominated,
        "is_published": policy == frontier.published.policy,
        "target": str(target) if is_found else None,
        "gini": point.spread.gini,
        "top1pct_share": point.spread.top1pct_share,
        "effective_videos": point.spread.effective_videos,
        "small_creators_share": point.spread.small_creators_share,
        "moved_micros": round(point.moved),
        "pool_micros": frontier.published.pool.money,
        "max_kkt_residual": point.max_kkt_residual,
        "allocation_run_id": frontier.published.row.run_id,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
