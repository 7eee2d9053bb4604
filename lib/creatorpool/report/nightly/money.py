"""Sections on the money: the pools, how they were formed, and how many videos they pay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from creatorpool.allocation.revenue import CARRY_COLUMNS, net_micros
from creatorpool.money import MICROS_PER_UNIT, in_units, in_whole_cents
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import (
    Block,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    Tile,
    Tiles,
    number,
    percent,
    signed_money,
)
from creatorpool.report.nightly.coverage import report_coverage, signals_at_zero
from creatorpool.report.nightly.published import ReportDay
from creatorpool.report.rounded_pools import RoundedPool, rounded_pools
from creatorpool.runs.pools import PoolRun


def headline(report: ReportDay) -> Tiles:
    """The headline numbers: money paid, its sources, creators who earned, and unallocated money."""
    paid, before = report.paid, report.before
    creators = paid.rows("creator_payouts", "payout_micros", "pulse_micros", "total_micros")
    total = pc.sum(creators.column("total_micros")).as_py() or 0
    pulse = pc.sum(creators.column("pulse_micros")).as_py() or 0
    earning = pc.sum(pc.greater(creators.column("total_micros"), 0)).as_py() or 0
    change = "no earlier day is published"
    if before is not None:
        earlier = pc.sum(before.rows("creator_payouts", "total_micros").column("total_micros")).as_py() or 0
        change = f"{signed_money(total - earlier)} against {before.day:%-d %B}"
    pools = rounded_pools(list(paid.pools.values()))
    from_pools, left = sum(own.paid for own in pools), sum(own.unallocated for own in pools)
    (all_paid,) = in_whole_cents([total])
    # The tiles sum: what the total has beside the pools is Pulse money.
    beside = all_paid - from_pools if pulse else 0
    return Tiles(
        [
            Tile("paid to creators", in_units(all_paid, report.currency), change),
            Tile("from pools", in_units(from_pools), f"of {in_units(from_pools + left)} in pools"),
            Tile("beside Pulse ads", in_units(beside), "apart from the pools"),
            Tile("creators who earned", f"{earning:,}", f"of {creators.num_rows:,} with videos that day"),
            Tile("unallocated", in_units(left), "every pool closes" if not left else "see the warnings"),
        ]
    )


def pools_section(report: ReportDay) -> Section:
    """From advertising revenue to pools, and the rules that split the pools."""
    formed = {row["category"]: row for row in report.paid.rows("pool_revenue").to_pylist()}
    rows: list[tuple[str, ...]] = []
    bars: list[dict[str, Any]] = []
    shown = rounded_pools(list(report.paid.pools.values()))
    net = [net_micros(formed[name]) if name in formed else pool.pool_micros for name, pool in report.paid.pools.items()]
    for (category, pool), own, revenue, whole in zip(
        report.paid.pools.items(), shown, net, in_whole_cents(net), strict=True
    ):
        kept = revenue - pool.pool_micros
        parts = {
            "paid": pool.paid_micros,
            "unallocated": pool.unallocated_micros,
            "platform's share": kept,
        }
        bars += [
            {"label": category, "part": part, "value": micros / MICROS_PER_UNIT, "place": place}
            for place, (part, micros) in enumerate(parts.items())
        ]
        rest = max(0, whole - own.pool)
        numbers = (own.pool + rest, rest, own.pool, own.paid, own.unallocated)
        rows.append((category, *map(in_units, numbers), _rule(pool)))
    sums = [sum(bar["value"] for bar in bars if bar["part"] == part) for part in ("paid", "unallocated")]
    table = Table(
        ("category", "revenue", "platform keeps", "pool", "paid", "unallocated", "split by"), rows, "Money by pool"
    )
    alt_text = (
        f"Bars of each category's advertising revenue: {sums[0]:,.2f} paid, {sums[1]:,.2f} unallocated, "
        f"the rest kept by the platform, in {report.currency}."
    )
    parts_drawn = ("paid", "unallocated", "platform's share")
    chart = drawing.stacked_bars(bars, parts_drawn, (drawing.MAIN, drawing.WARM, "#d8d3c4"), report.currency)
    figure = Figure("Where the advertising revenue went", drawing.svg(chart, alt_text), alt_text, table)
    brief = Table(
        ("category", "pool", "paid", "before", "videos paid", "paid per video"),
        [_brief(name, own, report) for name, own in zip(report.paid.pools, shown, strict=True)],
        "Pools",
    )
    return Section(
        "pools",
        "Pools",
        "Pools and how they were formed",
        "A category's pool is what advertisers paid in it, less the platform's share. It is split between the "
        "category's eligible videos by effective impressions: views times quality.",
        [Figures([figure], beside=brief), *_refunds(report, formed), *_rules(report)],
    )


def _refunds(report: ReportDay, formed: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    """A paragraph on refunds and carries of the day, if there are any."""
    total = {name: sum(row[name] or 0 for row in formed.values()) for name in CARRY_COLUMNS[:3]}
    if not any(total.values()):
        return []
    refunds, carried_in, carried = (in_units(micros, report.currency) for micros in total.values())
    return [
        Paragraph(
            f"Revenue is after refunds: {refunds} of the day and {carried_in} that earlier days carried; {carried} is "
            f"carried to later days of the categories."
        )
    ]


def _brief(category: str, own: RoundedPool, report: ReportDay) -> tuple[str, ...]:
    pool = report.paid.pools[category]
    earlier = None if report.before is None else report.before.pools.get(category)
    each = pool.paid_micros // pool.videos_paid if pool.videos_paid else None
    sums = (own.pool, own.paid, None if earlier is None else earlier.paid_micros)
    return (category, *map(in_units, sums), f"{pool.videos_paid:,}", in_units(each))


def _rule(pool: PoolRun) -> str:
    return f"{pool.objective}, α {pool.alpha:g}, λ {pool.lambda_eff:g}"


def _rules(report: ReportDay) -> list[Block]:
    rules = sorted({_rule(pool) for pool in report.paid.pools.values()})
    moved = sum(pool.efficiency_moved_micros or 0 for pool in report.paid.pools.values())
    return [
        Paragraph(
            f"Split by: {'; '.join(rules)} (objective, dampening α, efficiency weight λ). "
            f"λ moved {in_units(moved, report.currency)} between videos."
        )
    ]


def coverage_section(report: ReportDay) -> Section:
    """How many eligible videos are paid, by pool."""
    bars, rows = [], []
    before = report.before.pools if report.before else {}
    for category, pool in report.paid.pools.items():
        paid, rest = pool.videos_paid, pool.videos_eligible - pool.videos_paid
        bars += [
            {"label": category, "part": "paid", "value": paid, "place": 0},
            {"label": category, "part": "eligible, not paid", "value": rest, "place": 1},
        ]
        earlier = before[category].coverage if category in before else None
        rows.append(
            (
                category,
                f"{pool.videos_eligible:,}",
                f"{paid:,}",
                percent(pool.coverage),
                percent(earlier),
                number(None if earlier is None or pool.coverage is None else 100 * (pool.coverage - earlier), "+.1f"),
            )
        )
    eligible = sum(pool.videos_eligible for pool in report.paid.pools.values())
    paid_videos = sum(pool.videos_paid for pool in report.paid.pools.values())
    table = Table(("category", "eligible", "paid", "coverage", "before", "points"), rows, "Coverage by pool")
    alt_text = (
        f"Bars of the eligible videos of each category: {paid_videos:,} of {eligible:,} places in pools are paid."
    )
    drawn = drawing.stacked_bars(bars, ("paid", "eligible, not paid"), (drawing.MAIN, drawing.PALE), "videos")
    return Section(
        "coverage",
        "Coverage",
        "Coverage",
        "A video can be paid only if it passes the compliance gate and none of its quality components is 0. "
        f"{paid_videos:,} of {eligible:,} eligible places are paid ({percent(paid_videos / max(1, eligible))}); "
        "a video in two categories counts in both.",
        [
            Figures([Figure("Eligible and paid videos", drawing.svg(drawn, alt_text), alt_text, table)], beside=table),
            signals_at_zero(report_coverage(report)),
        ],
    )
