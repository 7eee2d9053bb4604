"""The charts of delivery: the response curves of a content, and the frontier of a day's plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from creatorpool.delivery.frontier import FrontierPoint
from creatorpool.delivery.p2c import Floats, curve_clicks
from creatorpool.quoting import quoted
from creatorpool.report.charts import chart_data

WIDTH, HEIGHT = 420, 260
FRONTIER_HEIGHT = 280
POINTS = 80
BEYOND = 1.3
"""Curves end at this multiple of the largest observed impressions."""
CURVE, RATE = "response curve", "smoothed rate"


def content_chart(curves: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]) -> alt.VConcatChart:
    """One panel per row of `p2c_parameters` in `curves`, with its rows of `content_exposure` from `days`."""
    panels = []
    for curve in curves:
        own = [day for day in days if (day["content_id"], day["drawer"]) == (curve["content_id"], curve["drawer"])]
        panels.append(_panel(curve, own))
    page: alt.VConcatChart = alt.vconcat(*panels)
    return page


def _panel(curve: Mapping[str, Any], days: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    x = np.linspace(0.0, BEYOND * max((day["pv"] for day in days), default=1), POINTS)
    axis_x, axis_y = alt.X("pv:Q", title="impressions a day"), alt.Y("click:Q", title="clicks")
    points = [{"pv": day["pv"], "click": day["click"], "date": str(day["date"])} for day in days if day["pv"]]
    dots = alt.Chart(chart_data(points)).mark_point(filled=True, color="#555", size=25)
    layers: list[alt.Chart] = [dots.encode(axis_x, axis_y, tooltip=["date:N", "pv:Q", "click:Q"])]
    lines = _line(x, curve["ctr"] * x, RATE)
    if curve["converged"]:
        lines += _line(x, _clicks(curve, x, "r", "y_max"), CURVE)
        layers.insert(0, _band(curve, x, axis_x))
    color = alt.Color("line:N", title=None, scale=alt.Scale(domain=[CURVE, RATE], range=["#1f6fb4", "#c0504d"]))
    layers.append(alt.Chart(chart_data(lines)).mark_line().encode(axis_x, axis_y, color))
    return alt.LayerChart(layer=layers, width=WIDTH, height=HEIGHT, title=_title(curve))


def _band(curve: Mapping[str, Any], x: Floats, axis_x: alt.X) -> alt.Chart:
    """The area of all curves with r and y_max in their intervals: clicks rise with both parameters."""
    ends = [_clicks(curve, x, *pair) for pair in (("r_lo", "y_max_lo"), ("r_hi", "y_max_hi"))]
    rows = [
        {"pv": float(at), "low": float(pair[0]), "high": float(pair[1])} for at, *pair in zip(x, *ends, strict=True)
    ]
    chart: alt.Chart = (
        alt.Chart(chart_data(rows))
        .mark_area(opacity=0.2, color="#1f6fb4")
        .encode(axis_x, alt.Y("low:Q", title="clicks"), alt.Y2("high:Q"))
    )
    return chart


def _clicks(curve: Mapping[str, Any], x: Floats, rate: str, ceiling: str) -> Floats:
    # The end of an interval is null if the days do not determine it: the estimate replaces it.
    r, y_max = (
        curve[end] if curve[end] is not None else curve[name] for end, name in ((rate, "r"), (ceiling, "y_max"))
    )
    top = max(y_max, curve["y0"] * (1.0 + 1e-9))
    return curve_clicks(x, *(np.asarray(part, dtype=np.float64) for part in (r, top, curve["x0"], curve["y0"], 0.0)))


def _line(x: Floats, y: Floats, name: str) -> list[dict[str, Any]]:
    return [{"pv": float(at), "click": float(clicks), "line": name} for at, clicks in zip(x, y, strict=True)]


def _title(curve: Mapping[str, Any]) -> str:
    place = f"{quoted(curve['content_id'])} in {quoted(curve['drawer'])}"
    return f"{place}: {curve['reason']}" if curve["reason"] else place


def plan_frontier_chart(points: Sequence[FrontierPoint]) -> alt.LayerChart:
    """Plans of which none is better in both measures. A dashed line marks the upper bound of views."""
    rows = [
        {
            "views": point.plan.measures.views,
            "variance": point.plan.measures.variance,
            "weight": f"{point.variance_weight:g}",
        }
        for point in points
    ]
    most = [{"views": point.plan.bound} for point in points if point.plan.objective.is_separable][:1]
    x = alt.X("views:Q", title="expected views", scale=alt.Scale(zero=False))
    y = alt.Y("variance:Q", title="variance of click rates")
    tooltip = ["views:Q", "variance:Q", alt.Tooltip("weight:N", title="weight on -variance")]
    line = alt.Chart(chart_data(rows)).mark_line(point=True, color="#1f6fb4").encode(x, y, tooltip=tooltip)
    bound = alt.Chart(chart_data(most)).mark_rule(strokeDash=[4, 4], color="#555").encode(alt.X("views:Q"))
    return alt.LayerChart(layer=[bound, line], width=WIDTH, height=FRONTIER_HEIGHT, title="Views and even click rates")
