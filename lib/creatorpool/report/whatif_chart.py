"""The chart of a what-if study: each pool's measures under each configuration, and who gains and who loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from creatorpool.money import MICROS_PER_UNIT
from creatorpool.quoting import quoted
from creatorpool.report.charts import chart_data
from creatorpool.report.nightly.figures import SIZE_GROUPS
from creatorpool.report.whatif_figures import size_changes
from creatorpool.runs.pools import PoolRun
from creatorpool.stages.whatif import Study

PUBLISHED = "published"
MEASURES = {"coverage": "coverage", "gini": "Gini", "top1pct_share": "top-1 % share"}
SIDE = 170
LABEL = 420
"""Pixels of a setting's name"""


def whatif_chart(study: Study) -> alt.VConcatChart:
    """Coverage, Gini and top-1 % share by pool and configuration; below, differences by fifths of creators."""
    names = [PUBLISHED, *(outcome.name for outcome in study.outcomes)]
    rows = pool_rows(study)
    page: alt.VConcatChart = alt.vconcat(
        alt.hconcat(*(_measure(rows, names, name) for name in MEASURES)), _by_size(study, names[1:])
    ).resolve_scale(color="independent")
    return page


def pool_rows(study: Study) -> list[dict[str, Any]]:
    """Rows `setting`, `pool` and the measures that pools have, for the published day and each configuration."""
    sides = [(PUBLISHED, study.published.pools), *((outcome.name, outcome.pools) for outcome in study.outcomes)]
    return [_row(name, category, pool) for name, pools in sides for category, pool in sorted(pools.items())]


def _row(name: str, category: str, pool: PoolRun) -> dict[str, Any]:
    return {"setting": name, "pool": quoted(category), **{measure: getattr(pool, measure) for measure in MEASURES}}


def size_rows(study: Study) -> list[dict[str, Any]]:
    """Rows `setting`, `size`, `difference` (currency units) by fifths of creators."""
    return [
        {"setting": outcome.name, "size": fifth.size, "difference": fifth.change / MICROS_PER_UNIT}
        for outcome in study.outcomes
        for fifth in size_changes(outcome, study.published.views)
    ]


def _measure(rows: Sequence[dict[str, Any]], names: Sequence[str], measure: str) -> alt.Chart:
    known = [row for row in rows if row[measure] is not None]
    labels = alt.Axis(labels=measure == next(iter(MEASURES)), labelLimit=LABEL, ticks=False)
    chart: alt.Chart = (
        alt.Chart(chart_data(known), width=1.3 * SIDE, height=alt.Step(28))
        .mark_point(filled=True, size=60, opacity=1.0)
        .encode(
            x=alt.X(f"{measure}:Q", title=MEASURES[measure], scale=alt.Scale(zero=False)),
            y=alt.Y("setting:N", sort=list(names), title=None, axis=labels),
            color=alt.Color("pool:N", title="pool"),
        )
    )
    return chart


def _by_size(study: Study, names: Sequence[str]) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(chart_data(size_rows(study)), width=4 * SIDE, height=SIDE)
        .mark_bar()
        .encode(
            x=alt.X(
                "size:N", sort=list(SIZE_GROUPS), title="fifth of the creators, by views", axis=alt.Axis(labelAngle=0)
            ),
            xOffset=alt.XOffset("setting:N", sort=list(names)),
            y=alt.Y("difference:Q", title=f"difference, {study.published.currency}"),
            color=alt.Color("setting:N", sort=list(names), title="setting", legend=alt.Legend(labelLimit=LABEL)),
        )
    )
    return chart
