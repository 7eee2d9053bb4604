"""Where the money of a day is, pool by pool and beside Pulse ads: as published, or as computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.revenue import net_micros
from creatorpool.errors import InputError
from creatorpool.quoting import shortened_list
from creatorpool.runs.pools import PoolRun, day_outputs, latest_pool
from creatorpool.settlement.restatement import PULSE, PoolMoney
from creatorpool.stages.context import RunContext
from creatorpool.tables import Warehouse, sum_exact


def require_whole_day(warehouse: Warehouse, day: date, ledger: Mapping[str, PoolRun]) -> None:
    """Raise InputError unless `ledger`, the published pools of `day`, has all of the day's pools."""
    version = day_outputs(ledger)["pool_revenue"]
    rows = warehouse.read_arrow("pool_revenue", ["category"], day=day, version=version)
    if missing := sorted(set(rows.column("category").to_pylist()) - set(ledger)):
        raise InputError(
            f"pools {shortened_list(missing)} of {day} are not published, so that the day can be neither posted nor "
            f"restated: run `creatorpool run --date {day}`"
        )


def published_money(context: RunContext, ledger: Mapping[str, PoolRun]) -> dict[str, PoolMoney]:
    """The money of the run's day by category, `PULSE` among them, as the published rows of `ledger` say."""
    warehouse, outputs = context.warehouse, day_outputs(ledger)
    revenue = warehouse.read_arrow("pool_revenue", day=context.day, version=outputs["pool_revenue"]).to_pylist()
    videos = warehouse.read("video_payouts", day=context.day, version=outputs["video_payouts"])
    booked = warehouse.read("ad_revenue", day=context.day, version=latest_pool(ledger).inputs["ad_revenue"])
    paid = [row for row in revenue if row["category"] in ledger]
    return money_of(paid, ledger.values(), booked, videos)


def money_of(
    revenue: Iterable[Mapping[str, Any]], pools: Iterable[PoolRun], booked: DataFrame, video_payouts: DataFrame
) -> dict[str, PoolMoney]:
    """The same from rows of `pool_revenue`, the pools' numbers, and the day's `ad_revenue` and `video_payouts`."""
    money = {}
    by_category = {row["category"]: row for row in revenue}
    for pool in pools:
        net = net_micros(by_category[pool.category])
        money[pool.category] = PoolMoney(net, net - pool.pool_micros, pool.paid_micros, pool.unallocated_micros)
    is_pulse = F.col("placement") == "pulse"
    gross = _total(booked.where(is_pulse), "revenue_micros")
    creators = _total(video_payouts, "pulse_micros")
    if gross:
        money[PULSE] = PoolMoney(gross, gross - creators, creators, 0)
    return money


def _total(rows: DataFrame, column: str) -> int:
    return int(rows.agg(F.coalesce(sum_exact(column), F.lit(0).cast("bigint"))).collect()[0][0])
