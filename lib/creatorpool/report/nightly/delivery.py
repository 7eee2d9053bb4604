"""Section on planned delivery: drawers, guarantees and the fit of the response curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.report.held_out_errors import held_out_errors
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import (
    Block,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    not_published,
    number,
    percent,
)
from creatorpool.report.nightly.published import ReportDay, Row

LEAD = (
    "The planned impressions of each content in each drawer, the clicks and views that the response curves predict, "
    "and the constraints that bind."
)
ERRORS = ("error, root mean square, median", "error, mean absolute share, median")
SHORTFALL = 1e-6
"""Relative shortfall of a guarantee up to which it counts as met: the tolerance of the solver"""


def delivery_section(report: ReportDay) -> Section:
    """The plan, or a note that it is not published."""
    plan, fits = report.records("delivery_plan"), report.stage_rows("p2c_parameters")
    command = f"creatorpool plan-delivery --date {report.day}"
    blocks: list[Block] = []
    if plan is None:
        blocks.append(not_published("A delivery plan is", command))
    elif not plan:
        blocks.append(Paragraph("The plan of this day is empty."))
    else:
        blocks += [Figures([_drawers(plan)], beside=_bindings(plan)), _guarantees(plan)]
    if fits is None:
        blocks.append(not_published("Response curves are", command))
    elif fits.num_rows:
        blocks.append(_fits(fits))
    return Section("delivery", "Delivery", "Delivery plan", LEAD, blocks)


def _sums(plan: Sequence[Row], label: str) -> Mapping[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = {}
    for row in plan:
        own = sums.setdefault(row[label] or "none", dict.fromkeys(("impressions", "clicks", "views", "rows"), 0.0))
        own["impressions"] += row["impressions"] or 0.0
        own["clicks"] += row["expected_clicks"] or 0.0
        own["views"] += row["expected_views"] or 0.0
        own["rows"] += 1
    return dict(sorted(sums.items()))


def _drawers(plan: Sequence[Row]) -> Figure:
    sums = _sums(plan, "drawer")
    bars = [{"label": name, "part": "impressions", "value": of["impressions"], "place": 0} for name, of in sums.items()]
    rows = [
        (
            name,
            *(f"{of[place]:,.0f}" for place in ("impressions", "clicks", "views")),
            percent(of["clicks"] / of["impressions"] if of["impressions"] else None, 2),
        )
        for name, of in sums.items()
    ]
    table = Table(("drawer", "impressions", "expected clicks", "expected views", "click rate"), rows, "Plan by drawer")
    alt_text = "Planned impressions by drawer: " + "; ".join(
        f"{name} {of['impressions']:,.0f}, {of['clicks']:,.0f} clicks expected" for name, of in sums.items()
    )
    chart = drawing.stacked_bars(bars, ("impressions",), (drawing.MAIN,), "impressions")
    return Figure("Planned impressions", drawing.svg(chart, alt_text), alt_text, table)


def _bindings(plan: Sequence[Row]) -> Table:
    rows = [(name, f"{of['rows']:,.0f}", f"{of['impressions']:,.0f}") for name, of in _sums(plan, "binding").items()]
    return Table(("constraint", "places", "impressions"), rows, "Binding constraints")


def _guarantees(plan: Sequence[Row]) -> Table:
    promised: dict[str, tuple[float, float]] = {}
    for row in plan:
        if row["guarantee"] is not None:
            given = promised.get(row["content_id"], (0.0, 0.0))[1]
            promised[row["content_id"]] = (row["guarantee"], given + row["impressions"])
    short = sorted(
        ((name, want, got) for name, (want, got) in promised.items() if got < want * (1 - SHORTFALL)),
        key=lambda content: content[2] - content[1],
    )
    rows = [("contents with a guarantee", f"{len(promised):,}"), ("below their guarantee", f"{len(short):,}")]
    rows += [(f"below: {name}", f"{got:,.0f} of {want:,.0f}") for name, want, got in short[:5]]
    return Table(("guarantees", "number"), rows, "Guaranteed impressions")


def _fits(fits: pa.Table) -> Table:
    rows = [("curves fitted", f"{pc.sum(fits['converged']).as_py() or 0:,} of {fits.num_rows:,}")]
    errors = held_out_errors(fits)
    rows.append(("curves that predict held-out days", f"{errors.contents:,}"))
    if errors.contents:
        pairs = ((errors.rmse, errors.rate_rmse), (errors.ape, errors.rate_ape))
        for title, (own, rate) in zip(ERRORS, pairs, strict=True):
            rows.append((title, f"{number(own, '.3g')} against {number(rate, '.3g')} of the smoothed rate"))
    return Table(("response curves", ""), rows, "Prediction error of clicks on held-out days")
