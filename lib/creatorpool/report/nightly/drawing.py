"""Charts as SVG inside the page: no scripts, no requests, sharp in print."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt

from creatorpool.quoting import in_html
from creatorpool.report.charts import chart_data, rendered, specification

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Drawn: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

INK, MUTED, LINE = "#1c2430", "#55606e", "#d9d5c9"
MAIN, SECOND, THIRD, WARM = "#0b6e69", "#c2610c", "#8b95a3", "#a3333d"
PALE = "#cfe3df"
SERIES = (MAIN, SECOND, THIRD)
PLAIN = ",.4~r"
"""Number format with up to four digits, never with a power of ten"""
WIDTH = 300
"""Width of a plot, pixels: the chart fits a phone without scaling"""

_TAG = re.compile("<[^<>]+>")
_NAME = re.compile(r'(\bid="|url\(#|href="#)([^")]+)(?=["\)])')
_FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": _FONT,
    "aria": False,
    "padding": {"left": 12, "right": 6, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": "#e9e6dc",
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 130,
        "labelSeparation": 6,
        "titlePadding": 6,
    },
    "axisY": {"domain": False, "ticks": False},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 11,
        "symbolSize": 90,
        "offset": 6,
        "columnPadding": 12,
        "labelLimit": 170,
    },
    "header": {"labelColor": INK, "labelFontSize": 11, "labelFontWeight": 600, "title": None, "labelPadding": 4},
    "bar": {"cornerRadiusEnd": 2},
}


def svg(chart: Drawn, alt_text: str) -> str:
    """`chart` as one <svg> element that scales with the page; `alt_text` is its text for screen readers."""
    drawing = {**specification(chart), "config": _CONFIG}
    drawn = _named_anew(rendered(drawing), hashlib.sha256(json.dumps(drawing, sort_keys=True).encode()).hexdigest()[:8])
    width = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"', drawn)
    head = re.search(r'viewBox="([^"]+)"', drawn)
    if width is None or head is None:
        raise RuntimeError(f"vl-convert returned no size for the chart '{alt_text}'")
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    style = f"max-width:{float(width[1]):.0f}px"
    return f'<svg role="img" aria-label="{in_html(alt_text)}" viewBox="{head[1]}" style="{style}">{body}'


def _named_anew(drawn: str, mark: str) -> str:
    """The drawing with ids that start with `mark`: several charts share a page, and the renderer's ids would clash."""
    # Only inside tags: a label can look like an attribute.
    names = dict.fromkeys(name for tag in _TAG.findall(drawn) for name in re.findall(r'\bid="([^"]+)"', tag))
    anew = {name: f"{mark}-{number}" for number, name in enumerate(names)}
    return _TAG.sub(lambda tag: _NAME.sub(lambda found: f"{found[1]}{anew.get(found[2], found[2])}", tag[0]), drawn)


def _amounts(rows: Rows) -> str:
    """Number format of an axis of values: with k and M from ten thousand on, else plain; never m for thousandths."""
    return "~s" if max((abs(row["value"]) for row in rows), default=0.0) >= 10_000 else PLAIN


def stacked_bars(rows: Rows, parts: Sequence[str], colours: Sequence[str], unit: str) -> Drawn:
    """Horizontal bars from rows `label`, `part`, `value`, the longest first."""
    sums: dict[str, float] = {}
    for row in rows:
        sums[row["label"]] = sums.get(row["label"], 0.0) + row["value"]
    order = sorted(sums, key=lambda label: -sums[label])
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=WIDTH - 60, height=alt.Step(26))
        .mark_bar(size=15)
        .encode(
            x=alt.X("value:Q", title=unit, axis=alt.Axis(tickCount=4, format=_amounts(rows))),
            y=alt.Y("label:N", title=None, sort=order),
            color=alt.Color("part:N", scale=alt.Scale(domain=list(parts), range=list(colours))),
            order=alt.Order("place:Q"),
        )
    )
    return chart


def ranked_bars(rows: Rows, unit: str) -> Drawn:
    """Horizontal bars of one colour from rows `label`, `value`, in the given order; labels may be long."""
    order = [row["label"] for row in rows]
    base = alt.Chart(chart_data(rows))
    bars = base.mark_bar(size=10, color=SECOND).encode(
        x=alt.X("value:Q", title=unit, axis=alt.Axis(tickCount=4, format=_amounts(rows))),
        y=alt.Y("label:N", title=None, sort=order, axis=alt.Axis(labelLimit=190, labelFontSize=10)),
    )
    chart: alt.Chart = bars.properties(width=WIDTH - 165, height=alt.Step(21))
    return chart


def lorenz(rows: Rows, series: Sequence[str], holders: str) -> Drawn:
    """Lorenz curves from rows `series`, `holders`, `money`, with the diagonal of equal amounts."""
    scale = alt.Scale(domain=list(series), range=list(SERIES[: len(series)]))
    dashes = alt.Scale(domain=list(series), range=[[1, 0], [6, 3], [2, 2]][: len(series)])
    axis = alt.Axis(format="%", tickCount=5)
    curves = (
        alt.Chart(chart_data(rows))
        .mark_line(strokeWidth=2.2)
        .encode(
            x=alt.X("holders:Q", title=f"share of {holders}, least paid first", axis=axis),
            y=alt.Y("money:Q", title="share of money", axis=axis),
            color=alt.Color("series:N", scale=scale),
            strokeDash=alt.StrokeDash("series:N", scale=dashes),
            order="holders:Q",
        )
    )
    same = chart_data([{"holders": 0, "money": 0}, {"holders": 1, "money": 1}])
    diagonal = alt.Chart(same).mark_line(color=LINE, strokeWidth=1.2).encode(x="holders:Q", y="money:Q")
    return alt.layer(diagonal, curves).properties(width=WIDTH - 30, height=220)


def dots(rows: Rows, series: Sequence[str], title: str, form: str = ".2f") -> Drawn:
    """One dot per row `label`, `series`, `value`; a line joins the dots of a label."""
    y = alt.Y("label:N", title=None)
    base = alt.Chart(chart_data(rows))
    axis = alt.Axis(format=form, tickCount=5)
    spread = base.mark_rule(color=LINE, strokeWidth=3).encode(x=alt.X("min(value):Q"), x2="max(value):Q", y=y)
    scale = alt.Scale(domain=list(series), range=list(SERIES[: len(series)]))
    shapes = alt.Scale(domain=list(series), range=["circle", "diamond", "square"][: len(series)])
    points = base.mark_point(filled=True, size=85, opacity=1).encode(
        x=alt.X("value:Q", title=title, scale=alt.Scale(zero=False, nice=True), axis=axis),
        y=y,
        color=alt.Color("series:N", scale=scale),
        shape=alt.Shape("series:N", scale=shapes),
    )
    return alt.layer(spread, points).properties(width=WIDTH - 60, height=alt.Step(26))


def paired_columns(rows: Rows, groups: Sequence[str], series: Sequence[str]) -> Drawn:
    """Columns side by side from rows `group`, `series`, `value` (shares)."""
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=WIDTH, height=180)
        .mark_bar()
        .encode(
            x=alt.X("group:N", title=None, sort=list(groups), axis=alt.Axis(labelAngle=0, labelLimit=58)),
            xOffset=alt.XOffset("series:N", sort=list(series)),
            y=alt.Y("value:Q", title="share of the total", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("series:N", scale=alt.Scale(domain=list(series), range=[THIRD, MAIN])),
        )
    )
    return chart


def heat_map(rows: Rows, groups: Sequence[str]) -> Drawn:
    """A heat map: one cell per row `label`, `group`, `value` (a share), with its number."""
    base = alt.Chart(chart_data(rows)).encode(
        x=alt.X("group:N", title=None, sort=list(groups), axis=alt.Axis(labelAngle=0, labelLimit=52, orient="top")),
        y=alt.Y("label:N", title=None),
    )
    scale = alt.Scale(domain=[0, max(0.01, *(row["value"] for row in rows))], range=["#f2f0e8", "#7fbfb4"])
    fields = base.mark_rect(cornerRadius=2, stroke="#fffefb", strokeWidth=2).encode(
        color=alt.Color("value:Q", scale=scale, legend=None)
    )
    labels = base.mark_text(fontSize=11, color=INK).encode(text=alt.Text("value:Q", format=".0%"))
    return alt.layer(fields, labels).properties(width=WIDTH - 50, height=alt.Step(28))


def histograms(rows: Rows, names: Sequence[str]) -> Drawn:
    """One small histogram per name, from rows `name`, `start`, `end`, `share`; each has its own scale of shares."""
    base: alt.Chart = (
        alt.Chart(width=118, height=64)
        .mark_bar(color=MAIN, cornerRadiusEnd=0)
        .encode(
            x=alt.X("start:Q", bin="binned", title=None, axis=alt.Axis(values=[0, 0.5, 1], format=PLAIN, grid=False)),
            x2="end:Q",
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%", tickCount=3, minExtent=30)),
        )
    )
    chart: alt.FacetChart = base.facet(
        facet=alt.Facet("name:N", sort=list(names), title=None), columns=2, spacing=14, data=chart_data(rows)
    )
    scaled: alt.FacetChart = chart.resolve_scale(y="independent")
    return scaled


def gains_and_losses(rows: Rows, unit: str) -> Drawn:
    """Bars to both sides of zero from rows `label`, `series` (given, taken), `value`, in the given order."""
    order = list(dict.fromkeys(row["label"] for row in rows))
    scale = alt.Scale(domain=["given", "taken"], range=[MAIN, SECOND])
    bars = (
        alt.Chart(chart_data(rows))
        .mark_bar(size=13)
        .encode(
            x=alt.X("value:Q", title=unit, axis=alt.Axis(tickCount=5, format=_amounts(rows))),
            y=alt.Y("label:N", title=None, sort=order),
            color=alt.Color("series:N", scale=scale),
        )
    )
    zero = alt.Chart(chart_data([{"x": 0}])).mark_rule(color=MUTED).encode(x="x:Q")
    return alt.layer(bars, zero).properties(width=WIDTH - 90, height=alt.Step(23))


def interval_dots(rows: Rows, title: str, form: str | None = None, reference: float | None = None) -> Drawn:
    """An estimate with its interval per row `label`, `value`, `low`, `high`."""
    base = alt.Chart(chart_data(rows)).encode(y=alt.Y("label:N", title=None))
    axis = alt.Axis(format=form or _amounts(rows), tickCount=4)
    rule = base.mark_rule(color=MAIN, strokeWidth=2.2, opacity=0.55).encode(
        x=alt.X("low:Q", title=title, axis=axis, scale=alt.Scale(zero=False)), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, color=MAIN, opacity=1).encode(x="value:Q")
    layers = [rule, dot]
    if reference is not None:
        line = alt.Chart(chart_data([{"x": reference}]))
        layers.insert(0, line.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x="x:Q"))
    return alt.layer(*layers).properties(width=WIDTH - 60, height=alt.Step(28))


def pass_curves(points: Rows, curves: Rows, segments: Sequence[str]) -> Drawn:
    """Shares that passed, from rows `segment`, `quality`, `pass_rate`; fitted curves have `probability` instead."""
    colours = (MAIN, SECOND, THIRD, WARM, "#5b4b8a", INK)
    color = alt.Color("segment:N", scale=alt.Scale(domain=list(segments), range=list(colours[: len(segments)])))
    x = alt.X("quality:Q", title="quality proxy at entry", axis=alt.Axis(tickCount=5))
    axis = alt.Axis(format="%", tickCount=5)
    dot = alt.Chart(chart_data(points)).mark_circle(size=28, opacity=0.55)
    line = alt.Chart(chart_data(curves)).mark_line(strokeWidth=2)
    return alt.layer(
        dot.encode(x=x, y=alt.Y("pass_rate:Q", title="share that graduates", axis=axis), color=color),
        line.encode(x=x, y=alt.Y("probability:Q"), color=color, order="quality:Q"),
    ).properties(width=WIDTH - 20, height=200)


def gains_and_price(rows: Rows, price: float | None, title: str) -> Drawn:
    """One bar per row `label`, `value`, and the common price as a line across the bars."""
    bars = (
        alt.Chart(chart_data(rows))
        .mark_bar(size=14, color=MAIN)
        .encode(
            x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=4, format=_amounts(rows))),
            y=alt.Y("label:N", title=None),
        )
    )
    layers: list[alt.Chart] = [bars]
    if price is not None:
        line = alt.Chart(chart_data([{"x": price, "what": "shadow price"}]))
        scale = alt.Scale(domain=["shadow price"], range=[SECOND])
        layers.append(line.mark_rule(strokeWidth=2.2).encode(x="x:Q", color=alt.Color("what:N", scale=scale)))
    return alt.layer(*layers).properties(width=WIDTH - 60, height=alt.Step(28))


def day_columns(rows: Rows, last: int, parts: Sequence[str], unit: str) -> Drawn:
    """One column per day of a month, up to day `last`, from rows `label` (the day), `part`, `value`, `place`."""
    days = alt.Scale(domain=[*range(1, last + 1)])
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=WIDTH - 40, height=170)
        .mark_bar()
        .encode(
            x=alt.X(
                "label:O", title="day", scale=days, axis=alt.Axis(labelAngle=0, labelOverlap=True, labelSeparation=4)
            ),
            y=alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5, format=_amounts(rows))),
            color=alt.Color("part:N", scale=alt.Scale(domain=list(parts), range=[MAIN, PALE])),
            order=alt.Order("place:Q"),
        )
    )
    return chart
