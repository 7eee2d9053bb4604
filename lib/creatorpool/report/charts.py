"""Charts as files that open anywhere: SVG, or a page of HTML that carries all it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import altair as alt
from numpy.typing import ArrayLike

from creatorpool.comparison.measures import lorenz_curve
from creatorpool.display import display
from creatorpool.errors import InputError
from creatorpool.quoting import one_line
from creatorpool.report.pages import chart_page
from creatorpool.stages.context import RunContext

Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart
FORMATS = (".svg", ".html")
REPORTS = "_reports"
"""Folder beside the tables with what people read."""


def chart_data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data that a chart carries in itself."""
    return alt.InlineData(values=[dict(row) for row in rows])


def lorenz_chart(
    splits: Mapping[str, ArrayLike], field: str, color: alt.Color, size: tuple[float, float], points: int
) -> alt.Chart:
    """Lorenz curves of splits of one pool, (n,) payouts by name; `field` of the chart's rows holds the name."""
    rows = [
        {field: split, "videos": videos, "money": money}
        for split, payout in splits.items()
        for videos, money in zip(*(axis.tolist() for axis in lorenz_curve(payout, points)), strict=True)
    ]
    width, height = size
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=width, height=height)
        .mark_line()
        .encode(
            x=alt.X("videos:Q", title="share of videos, least paid first"),
            y=alt.Y("money:Q", title="share of money"),
            color=color,
            order="videos:Q",
        )
    )
    return chart


def chart_path(text: str) -> Path:
    """The file that a chart is wanted in; InputError if it is of neither of `FORMATS`."""
    path = Path(text)
    if path.suffix not in FORMATS:
        raise InputError(f"a chart is a file ending in one of {list(FORMATS)}, got '{text}'")
    return path


def report_path(context: RunContext, name: str, day: date) -> Path | None:
    """Where the chart `name` of `day` stands beside the tables; None where these are not in a folder."""
    root = context.warehouse.root
    return root / REPORTS / f"{name}-{day}.html" if isinstance(root, Path) else None


def specification(chart: Any) -> dict[str, Any]:
    """`chart` as Vega-Lite whose strings, names from data among them, are single lines of visible characters.

    The renderer ends the whole process on some control characters.
    """
    shown: dict[str, Any] = _with_strings(chart.to_dict(), one_line)
    return shown


def rendered(drawing: dict[str, Any]) -> str:
    """A `specification` as SVG.

    Where a label is too long for its place the renderer cuts it by UTF-16 units, and fails between the two halves of an
    emoji. Then such characters are drawn as escapes, ``\\U0001f600``, throughout the chart.
    """
    import vl_convert

    try:
        svg: str = vl_convert.vegalite_to_svg(drawing, allowed_base_urls=[])
    except ValueError:
        narrow = _with_strings(drawing, _without_pairs)
        if narrow == drawing:
            raise
        svg = vl_convert.vegalite_to_svg(narrow, allowed_base_urls=[])
    return svg


def _without_pairs(text: str) -> str:
    return "".join(letter if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}" for letter in text)


def _with_strings(value: Any, change: Callable[[str], str]) -> Any:
    """`value`, JSON as Python has it, with every string changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _with_strings(each, change) for key, each in value.items()}
    return [_with_strings(each, change) for each in value] if isinstance(value, list) else value


def draw(context: RunContext, name: str, chart: Chart, wanted: Path | None) -> None:
    """Save `chart` where it is `wanted`, else beside the tables, and say where; the tables stand without it.

    Altair renders through vl-convert, which is needed for charts alone: without it the log says what to install.
    """
    path = wanted or report_path(context, name, context.day)
    if path is None:
        return
    with display(context.day, f"{name} chart"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_text(_drawn(chart, path.suffix), "utf-8")
        except ImportError as error:
            context.warn(name, f"no chart: install vl-convert-python ({error.name or error})")
            return
        context.log(name, f"chart in {path}")


def _drawn(chart: Chart, suffix: str) -> str:
    import vl_convert

    if suffix == ".svg":
        return rendered(specification(chart))
    return chart_page(specification(chart), vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
