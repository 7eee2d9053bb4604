"""A day's revenue in a night: its pools, the refunds that they carry, and the checks that stop the day."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.frames.pools import category_revenue
from creatorpool.allocation.revenue import CARRY_COLUMNS, PoolRevenue, form_pools
from creatorpool.allocation.unfunded import EarlierPools, unfunded_warnings
from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import InputError
from creatorpool.ingest.conversion import RATES
from creatorpool.money import in_exact_units
from creatorpool.quality.coverage import Coverage
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import ALLOCATE
from creatorpool.runs.pools import PoolRun, published_pools
from creatorpool.runs.published_rows import last_paid_before
from creatorpool.stages.carry import DayCarries, read_carries
from creatorpool.stages.context import RunContext
from creatorpool.stages.rates import at_rates, rates_on
from creatorpool.tables import sum_exact


@dataclass(frozen=True)
class DayRevenue:
    """The day's revenue rows and booked sums, its open carries, its pools, and the pools that the run must pay."""

    rows: DataFrame
    booked: Sequence[Mapping[str, Any]]
    carries: DayCarries
    pools: list[PoolRevenue]
    wanted: list[PoolRevenue]

    def with_published(
        self,
        context: RunContext,
        done: Mapping[str, PoolRun],
        categories: Collection[str],
        renewed: Collection[str] | None,
    ) -> DayRevenue:
        """The same revenue with pools formed again, given that the pools in `done` are published.

        Published pools keep their carries, except those that are `renewed` (all if empty, none if None).
        """
        kept = [row for name, row in done.items() if renewed is None or (renewed and name not in renewed)]
        pools = form_pools(self.booked, context.settings.pools, self.carries.by_pool(done, kept))
        return replace(self, pools=pools, wanted=_wanted(pools, categories))


def day_revenue(
    context: RunContext,
    inputs: Mapping[str, int],
    done: Mapping[str, PoolRun],
    categories: Collection[str],
    renewed: Collection[str] | None,
) -> DayRevenue:
    """The revenue of the run's day at the versions of `inputs`, with its pools; see `DayRevenue.with_published`.

    Raises
    ------
    InputError
        If there is no revenue, it is in two currencies, or one of `categories` has no pool; if revenue must be
        converted again and a rate is missing.
    """
    revenue = _revenue(context, inputs["ad_revenue"])
    carries = read_carries(context, _one_currency(revenue, context.day))
    booked = [row.asDict() for row in category_revenue(revenue).collect()]
    return DayRevenue(revenue, booked, carries, [], []).with_published(context, done, categories, renewed)


def _revenue(context: RunContext, version: int) -> DataFrame:
    """The day's rows, converted again if the run computes from a version of `fx_rates` that it names."""
    stored = context.warehouse.read("ad_revenue", day=context.day, version=version)
    named = (context.as_of or {}).get(RATES)
    if named is None:
        return stored
    rows = with_new_columns(stored, context.warehouse.contract("ad_revenue"))
    return at_rates(rows, context.day, rates_on(context.warehouse, context.day, named))


def _one_currency(revenue: DataFrame, day: date) -> str:
    found = sorted(row["currency"] for row in revenue.select("currency").distinct().collect())
    if not found:
        raise InputError(f"ad_revenue has no row of {day}: there is nothing to pay out; deliver the day's revenue")
    if len(found) > 1:
        raise InputError(
            f"ad_revenue of {day} must be in one currency, got {' and '.join(found)}: load each currency under its own "
            f"root, or set settlement.currency, deliver fx_rates and ingest the day again (--reingest)"
        )
    return str(found[0])


def _wanted(pools: list[PoolRevenue], categories: Collection[str]) -> list[PoolRevenue]:
    known = {pool.category for pool in pools}
    if unknown := sorted(set(categories) - known):
        raise InputError(
            f"--category: the day has no pool {shortened_list(unknown)}; its pools are {shortened_list(sorted(known))}"
        )
    return [pool for pool in pools if not categories or pool.category in categories]


def log_refunds(context: RunContext, pool: PoolRevenue) -> None:
    """Log by how much refunds, of this day or carried from other days, lower a pool."""
    if pool.refunds_micros or pool.carried_from or pool.carried_micros:
        facts = {name: getattr(pool, name) for name in ("gross_micros", *CARRY_COLUMNS)}
        context.note(ALLOCATE, _refund_sentence(pool), **facts)


def _refund_sentence(pool: PoolRevenue) -> str:
    """``pool a is lowered by refunds: revenue 5.00 USD, refunds -8.00, leaves refunds of 3.00 to later days``."""
    others = {"refunds": pool.refunds_micros, "refunds of earlier days": pool.carried_in_micros}
    parts = [f"revenue {in_exact_units(pool.gross_micros, pool.currency)}"]
    parts += [f"{name} {in_exact_units(micros)}" for name, micros in others.items() if micros]
    if pool.carried_micros:
        parts.append(f"leaves refunds of {in_exact_units(-pool.carried_micros)} to later days")
    return f"pool {pool.category} is lowered by refunds: {', '.join(parts)}"


def unfunded_categories(context: RunContext, pools: Sequence[PoolRevenue], coverage: Coverage) -> list[str]:
    """Warnings on the categories with eligible videos that have none of the day's `pools`."""
    funded = {pool.category for pool in pools}
    if not set(coverage.eligible) - funded:
        return []
    before = last_paid_before(context.warehouse, context.day)
    earlier = {} if before is None else published_pools(context.warehouse, before)
    money = {name: row.pool_micros for name, row in earlier.items()}
    return unfunded_warnings(coverage, funded, EarlierPools(before, money, pools[0].currency))


def refuse_unknown_pulse_videos(pulse: DataFrame, videos: DataFrame, currency: str) -> None:
    """Check that all Pulse revenue belongs to videos that are in `videos`.

    Raises
    ------
    InputError
        If it does not; the message has the number of unknown videos, an example and their revenue.
    """
    unknown = pulse.join(videos.select("video_id"), "video_id", "left_anti")
    lost = unknown.agg(F.count("*"), F.min("video_id"), sum_exact("pulse_micros")).collect()[0]
    if lost[0]:
        raise InputError(
            f"ad_revenue: {lost[0]:,} Pulse videos, for example '{lost[1]}', are not in videos, so that nobody can get "
            f"their {in_exact_units(lost[2], currency)}: deliver these videos, or correct ad_revenue"
        )
