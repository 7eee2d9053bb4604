"""Sections on the spread of the money: concentration against earlier days, and payouts by creator size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creatorpool.money import in_units
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import Figure, Figures, Paragraph, Section, Table, number, percent
from creatorpool.report.nightly.figures import SIZE_GROUPS, Sizes, concentration, lorenz_rows, payouts_by_size
from creatorpool.report.nightly.published import ReportDay


def concentration_section(report: ReportDay) -> Section:
    """Lorenz curves over videos and creators, and the Gini coefficients of pools, with those of earlier days."""
    days = report.compared
    videos = {name: _micros(day.rows("video_payouts", "payout_micros")) for name, day in days.items()}
    creators = {name: _micros(day.rows("creator_payouts", "payout_micros")) for name, day in days.items()}
    blocks = [Figures([_lorenz(videos, "videos"), _lorenz(creators, "creators"), *_by_pool(report)])]
    missing = [] if report.before else ["no earlier day is published"]
    missing += [] if report.week_ago else ["the day a week ago is not published"]
    notes = [Paragraph(f"Not compared: {'; '.join(missing)}.", "missing")] if missing else []
    return Section(
        "concentration",
        "Concentration",
        "Concentration",
        "The further a curve lies below the diagonal, the more concentrated the money is. The Gini coefficient is 0 if "
        "all are paid the same and near 1 if one is paid everything. Only pool money counts.",
        [*blocks, *notes],
    )


def _micros(rows: pa.Table) -> NDArray[np.int64]:
    values: NDArray[np.int64] = rows.column("payout_micros").to_numpy()
    return values


def _lorenz(amounts: Mapping[str, NDArray[np.int64]], holders: str) -> Figure:
    found = {name: concentration(amount) for name, amount in amounts.items()}
    rows = [
        (name, f"{of.count:,}", number(of.gini), percent(of.top1pct), number(of.effective, ",.0f"))
        for name, of in found.items()
    ]
    table = Table(("", holders, "Gini", "top 1 %", "effective number"), rows, f"Concentration over {holders}")
    alt_text = f"Lorenz curves of pool payouts over {holders}. " + " ".join(
        f"Gini {name}: {number(of.gini)}." for name, of in found.items()
    )
    chart = drawing.lorenz(lorenz_rows(amounts), [name for name, a in amounts.items() if a.any()], holders)
    return Figure(f"Over {holders}", drawing.svg(chart, alt_text), alt_text, table)


def _by_pool(report: ReportDay) -> list[Figure]:
    days = report.compared
    dots: list[dict[str, Any]] = [
        {"label": category, "series": name, "value": pool.gini}
        for name, day in days.items()
        for category, pool in day.pools.items()
        if pool.gini is not None
    ]
    rows = [
        (
            category,
            *(number(None if pool is None else pool.gini) for pool in pools),
            *(percent(None if pool is None else pool.top1pct_share) for pool in pools),
        )
        for category in report.paid.pools
        for pools in [[day.pools.get(category) for day in days.values()]]
    ]
    header = ("category", *(f"Gini, {name}" for name in days), *(f"top 1 %, {name}" for name in days))
    table = Table(header, rows, "Concentration by pool")
    if not dots:
        return []
    found = [dot["value"] for dot in dots if dot["series"] == "this day"]
    reach = f" this day from {min(found):.3f} to {max(found):.3f}" if found else ""
    alt_text = f"Gini coefficient of each pool,{reach}, beside earlier days where these are published."
    chart = drawing.dots(dots, list(days), "Gini over eligible videos")
    return [Figure("By pool", drawing.svg(chart, alt_text), alt_text, table)]


def sizes_section(report: ReportDay) -> Section:
    """Pool money by creator size."""
    payouts = report.paid.rows("pool_payouts", "category", "video_id", "creator_id", "payout_micros")
    sizes = payouts_by_size(payouts, report.paid.rows("video_signals", "video_id", "views"))
    return Section(
        "sizes",
        "Creator size",
        "By category and creator size",
        "Creators with views in the pools, in five equal groups by the views of their videos on the day. If a group's "
        "share of money is above its share of views, quality and dampening favour it.",
        [Figures([_columns(report, sizes), _field(report, sizes)])],
    )


def _columns(report: ReportDay, sizes: Sizes) -> Figure:
    seen, paid = sizes.views / max(1.0, sizes.views.sum()), sizes.money / max(1.0, sizes.money.sum())
    bars = [
        {"group": group, "series": series, "value": float(share[place])}
        for series, share in (("views", seen), ("money", paid))
        for place, group in enumerate(SIZE_GROUPS)
    ]
    rows = [
        (
            group,
            f"{sizes.creators[place]:,}",
            f"{sizes.views[place]:,.0f}",
            percent(seen[place]),
            in_units(int(sizes.money[place])),
            percent(paid[place]),
        )
        for place, group in enumerate(SIZE_GROUPS)
    ]
    header = ("fifth by views", "creators", "views", "share", f"pool money, {report.currency}", "share")
    alt_text = (
        f"Shares of views and of pool money by creator size: the largest fifth has {seen[-1]:.0%} of the views and "
        f"{paid[-1]:.0%} of the money, the smallest {seen[0]:.1%} and {paid[0]:.1%}."
    )
    chart = drawing.paired_columns(bars, SIZE_GROUPS, ("views", "money"))
    title = "Share of views against share of money"
    return Figure(title, drawing.svg(chart, alt_text), alt_text, Table(header, rows, "Creators by size"))


def _field(report: ReportDay, sizes: Sizes) -> Figure:
    shares = {name: row / max(1.0, row.sum()) for name, row in sizes.by_pool.items()}
    fields = [
        {"label": name, "group": group, "value": float(row[place])}
        for name, row in shares.items()
        for place, group in enumerate(SIZE_GROUPS)
    ]
    rows = [(name, *(in_units(int(micros)) for micros in row)) for name, row in sizes.by_pool.items()]
    table = Table(("category", *SIZE_GROUPS), rows, f"Pool money by creator size, {report.currency}")
    top = max(shares, key=lambda name: float(shares[name][-1]))
    alt_text = (
        f"Shares of the five groups in each pool's money; the largest fifth has its largest share in pool {top}, "
        f"{shares[top][-1]:.0%}."
    )
    return Figure(
        "Each pool's money by creator size",
        drawing.svg(drawing.heat_map(fields, SIZE_GROUPS), alt_text),
        alt_text,
        table,
    )
