"""The chart of the frontier of a day's plans: views against the variance of click rates."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from creatorpool.delivery.frontier import FrontierPoint
from creatorpool.report.charts import chart_data

WIDTH, HEIGHT = 420, 280


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
    return alt.LayerChart(layer=[bound, line], width=WIDTH, height=HEIGHT, title="Views and even click rates")
