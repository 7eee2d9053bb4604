"""Section on quality: the distribution of its components over the day's compliant videos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import Figure, Figures, Section, Table, number, percent
from creatorpool.report.nightly.figures import histogram, quantiles
from creatorpool.report.nightly.published import PaidDay, ReportDay

SCORE = "quality_score"
NAMES = {name: name.replace("_", " ") for name in (*COMPONENT_NAMES, SCORE)}


def quality_section(report: ReportDay) -> Section:
    """Histograms of the components and of the score, with quantiles and the medians of the last published day."""
    values = _compliant(report.paid)
    before = {} if report.before is None else _compliant(report.before)
    bars = [{"name": NAMES[name], **bar} for name in NAMES for bar in histogram(values[name])]
    found = {name: quantiles(values[name]) for name in NAMES}
    earlier = {name: quantiles(before[name])["median"] if before else None for name in NAMES}
    rows = [
        (
            NAMES[name],
            *(number(of[place]) for place in ("mean", "p10", "median", "p90")),
            percent(of["zero"]),
            number(earlier[name]),
        )
        for name, of in found.items()
    ]
    header = ("", "mean", "10th pct", "median", "90th pct", "at 0", "median before")
    table = Table(header, rows, "Components over compliant videos")
    alt_text = "Histograms from 0 to 1. Medians: " + ", ".join(
        f"{NAMES[name]} {number(of['median'], '.2f')}" for name, of in found.items()
    )
    chart = drawing.histograms(bars, list(NAMES.values()))
    figure = Figure("Components and score", drawing.svg(chart, alt_text + "."), alt_text + ".", table)
    count = values[SCORE].size
    return Section(
        "quality",
        "Quality",
        "Quality",
        "The quality of a video is the weighted geometric mean of its components, each from 0 to 1. A component of 0 "
        f"makes the quality 0. The numbers are over the day's {count:,} compliant videos.",
        [Figures([figure], beside=table)],
    )


def _compliant(paid: PaidDay) -> dict[str, NDArray[np.float64]]:
    rows = paid.rows("video_quality", *COMPONENT_NAMES, SCORE, "is_compliant")
    rows = rows.filter(rows.column("is_compliant"))
    return {name: rows.column(name).to_numpy() for name in NAMES}
