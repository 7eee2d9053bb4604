"""A day's revenue in a night: its pools, what they take from other days' refunds, and what stops the day."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.frames.pools import category_revenue
from creatorpool.allocation.revenue import CARRY_COLUMNS, PoolRevenue, form_pools
from creatorpool.errors import InputError
from creatorpool.runs.ledger import ALLOCATE
from creatorpool.runs.pools import PoolRun
from creatorpool.stages.carry import DayCarries, read_carries
from creatorpool.stages.context import RunContext
from creatorpool.tables import sum_exact


@dataclass(frozen=True)
class DayRevenue:
    """The day's revenue, what it takes from other days' refunds, its pools, and those of them that the run must pay."""

    rows: DataFrame
    booked: Sequence[Mapping[str, Any]]
    carries: DayCarries
    pools: list[PoolRevenue]
    wanted: list[PoolRevenue]

    def again(
        self,
        context: RunContext,
        done: Mapping[str, PoolRun],
        categories: Collection[str],
        renewed: Collection[str] | None,
    ) -> DayRevenue:
        """The same with the pools formed anew, now that `done` are published.

        Those published stand, but for the `renewed` (all if empty, none if None).
        """
        standing = [row for name, row in done.items() if renewed is None or (renewed and name not in renewed)]
        pools = form_pools(self.booked, context.settings.pools, self.carries.into(done, standing))
        return replace(self, pools=pools, wanted=_wanted(pools, categories))


def day_revenue(
    context: RunContext,
    inputs: Mapping[str, int],
    done: Mapping[str, PoolRun],
    categories: Collection[str],
    renewed: Collection[str] | None,
) -> DayRevenue:
    """The revenue of the run's day at the versions of `inputs`, with its pools; see `DayRevenue.again`.

    Raises
    ------
    InputError
        If there is no revenue, it comes in two currencies, or one of `categories` has no pool.
    """
    revenue = context.warehouse.read("ad_revenue", day=context.day, version=inputs["ad_revenue"])
    carries = read_carries(context, _one_currency(revenue))
    booked = [row.asDict() for row in category_revenue(revenue).collect()]
    return DayRevenue(revenue, booked, carries, [], []).again(context, done, categories, renewed)


def _one_currency(revenue: DataFrame) -> str:
    found = sorted(row["currency"] for row in revenue.select("currency").distinct().collect())
    if not found:
        raise InputError("ad_revenue has no row of the day: there is nothing to pay out")
    if len(found) > 1:
        raise InputError(f"ad_revenue must be in one currency a day, got {found}")
    return str(found[0])


def _wanted(pools: list[PoolRevenue], categories: Collection[str]) -> list[PoolRevenue]:
    known = {pool.category for pool in pools}
    if unknown := sorted(set(categories) - known):
        raise InputError(f"no pool of the day is called {unknown}; pools: {sorted(known)}")
    return [pool for pool in pools if not categories or pool.category in categories]


def log_refunds(context: RunContext, pool: PoolRevenue) -> None:
    """Say what refunds, of this day or carried from others, took from a pool."""
    if pool.refunds_micros or pool.carried_from or pool.carried_micros:
        facts = {name: getattr(pool, name) for name in ("gross_micros", *CARRY_COLUMNS)}
        context.log(ALLOCATE, f"pool {pool.category} is lowered by refunds", **facts)


def refuse_unknown_pulse_videos(pulse: DataFrame, videos: DataFrame) -> None:
    """InputError if Pulse revenue stands beside a video that is not in `videos`."""
    unknown = pulse.join(videos.select("video_id"), "video_id", "left_anti")
    lost = unknown.agg(F.count("*"), F.min("video_id"), sum_exact("pulse_micros")).collect()[0]
    if lost[0]:
        raise InputError(
            f"ad_revenue: {lost[0]} Pulse videos, for example '{lost[1]}', are not in videos; nobody could get their "
            f"{lost[2]} micros"
        )
