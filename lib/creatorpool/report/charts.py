"""Charts as files that open anywhere: SVG, or a page of HTML that carries all it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import altair as alt
from numpy.typing import ArrayLike

from creatorpool.comparison.measures import lorenz_curve
from creatorpool.errors import InputError
from creatorpool.pipeline.night import Night

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


def report_path(night: Night, name: str, day: date) -> Path | None:
    """Where the chart `name` of `day` stands beside the tables; None where these are not in a folder."""
    root = night.warehouse.root
    return root / REPORTS / f"{name}-{day}.html" if isinstance(root, Path) else None


def draw(night: Night, name: str, chart: Chart, wanted: Path | None) -> None:
    """Save `chart` where it is `wanted`, else beside the tables, and say where; the tables stand without it.

    Altair renders through vl-convert, which is needed for charts alone: without it the log says what to install.
    """
    path = wanted or report_path(night, name, night.day)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.suffix == ".html":
            chart.save(str(path), inline=True)
        else:
            chart.save(str(path))
    except ImportError as error:
        night.log(name, f"warning: no chart: install vl-convert-python ({error.name or error})")
        return
    night.log(name, f"chart in {path}")
