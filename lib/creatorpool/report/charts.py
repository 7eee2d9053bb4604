"""Charts as files that need no network: SVG, or one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import altair as alt
from numpy.typing import ArrayLike

from creatorpool.comparison.measures import lorenz_curve
from creatorpool.display import display
from creatorpool.errors import InputError
from creatorpool.quoting import one_line
from creatorpool.report.pages import REPORTS, chart_page
from creatorpool.stages.context import RunContext
from creatorpool.storage.files import write_whole
from creatorpool.storage.places import Place, place_of

Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart
FORMATS = (".svg", ".html")


def chart_data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as data inside the chart's specification."""
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


def chart_path(text: str) -> Place:
    """The path of a chart's file; InputError unless its suffix is one of `FORMATS`."""
    path = place_of(text)
    if path.suffix not in FORMATS:
        raise InputError(f"the file of a chart must end in one of {list(FORMATS)}, got '{text}'")
    return path


def report_path(context: RunContext, name: str, day: date) -> Place:
    """The path of the chart `name` of `day` beside the tables."""
    return context.warehouse.root / REPORTS / f"{name}-{day}.html"


def specification(chart: Any) -> dict[str, Any]:
    """`chart` as Vega-Lite in which every string, also a name from data, is one line of visible characters.

    The reason: the renderer ends the whole process on some control characters.
    """
    shown: dict[str, Any] = _with_strings(chart.to_dict(), one_line)
    return shown


def rendered(drawing: dict[str, Any]) -> str:
    """A `specification` as SVG.

    The renderer cuts a label that is too long by UTF-16 units, and fails if it cuts an emoji in half. Then the whole
    chart shows such characters as escapes, ``\\U0001f600``.
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
    """`value`, parsed JSON, with `change` applied to every string."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _with_strings(each, change) for key, each in value.items()}
    return [_with_strings(each, change) for each in value] if isinstance(value, list) else value


def draw(context: RunContext, name: str, chart: Chart, wanted: Place | None) -> None:
    """Save `chart` at the path `wanted`, else beside the tables, and log the path. A missing chart stops nothing.

    Altair renders with vl-convert, which only charts need. Without it the log says what to install.
    """
    path = wanted or report_path(context, name, context.day)
    with display(context.day, f"{name} chart"):
        try:
            write_whole(path, _drawn(chart, path.suffix).encode())
        except ImportError as error:
            context.warn(name, f"no chart: install vl-convert-python ({error.name or error})")
            return
        context.log(name, f"chart in {path}")


def _drawn(chart: Chart, suffix: str) -> str:
    import vl_convert

    if suffix == ".svg":
        return rendered(specification(chart))
    return chart_page(specification(chart), vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
