"""The chart of the frontier: the trade-off, Lorenz curves, and the spread of money against λ_eff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.frontier import FrontierPoint
from creatorpool.quoting import quoted
from creatorpool.report.charts import chart_data, lorenz_chart
from creatorpool.stages.frontier import OBJECTIVES, PoolFrontier

PANELS = {
    "gini": "Gini",
    "top1pct": "top-1 % share",
    "effective": "effective number of paid videos",
    "small": "small creators' share",
}
SIDE = 170
LORENZ_POINTS = 80
MIN_LAMBDA_FAIR = 1e-9
"""Lower end of the logarithmic axis of 1 - λ_eff, which cannot show λ_eff = 1"""


def frontier_chart(frontiers: Sequence[PoolFrontier]) -> alt.VConcatChart:
    """One block per pool: the frontier and Lorenz curves, then each measure against λ_eff and against 1 - λ_eff."""
    page: alt.VConcatChart = alt.vconcat(*(_pool_chart(frontier) for frontier in frontiers))
    return page


def _pool_chart(frontier: PoolFrontier) -> alt.VConcatChart:
    rows = [_row(point) for point in frontier.points if point.policy.alpha == frontier.published.policy.alpha]
    block: alt.VConcatChart = alt.vconcat(
        alt.hconcat(_tradeoff(frontier), _lorenz(frontier)).resolve_scale(
            color="independent", strokeDash="independent"
        ),
        alt.hconcat(*(_against(rows, name, "lambda_eff") for name in PANELS)),
        alt.hconcat(*(_against(rows, name, "lambda_fair") for name in PANELS)),
        title=f"Pool {quoted(frontier.published.pool.category)}, α = {frontier.published.policy.alpha:g}",
    ).resolve_scale(color="independent", strokeDash="independent")
    return block


def _row(point: FrontierPoint) -> dict[str, Any]:
    return {
        "objective": point.policy.objective,
        "lambda_eff": point.policy.lambda_eff,
        "lambda_fair": max(1.0 - point.policy.lambda_eff, MIN_LAMBDA_FAIR),
        "gini": point.spread.gini,
        "top1pct": point.spread.top1pct_share,
        "effective": point.spread.effective_videos,
        "small": point.spread.small_creators_share,
    }


def _against(rows: Sequence[dict[str, Any]], measure: str, policy: str) -> alt.Chart:
    decades = alt.Axis(values=[1, 1e-3, 1e-6, 1e-9], format="~e")
    fair_axis = alt.X("lambda_fair:Q", title="1 − λ_eff", scale=alt.Scale(type="log", reverse=True), axis=decades)
    x = fair_axis if policy == "lambda_fair" else alt.X("lambda_eff:Q", title="λ_eff")
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=SIDE, height=SIDE)
        .mark_line(point=alt.OverlayMarkDef(size=14))
        .encode(x=x, y=alt.Y(f"{measure}:Q", title=PANELS[measure]), color=_objective())
    )
    return chart


def _objective() -> alt.Color:
    return alt.Color("objective:N", scale=alt.Scale(domain=list(OBJECTIVES), range=["#c0504d", "#1f6fb4"]))


def _tradeoff(frontier: PoolFrontier) -> alt.Chart:
    rows = [
        {
            "objective": point.policy.objective,
            "alpha": f"{point.policy.alpha:g}",
            "efficiency": point.efficiency,
            "fairness": point.fairness,
            "place": point.policy.lambda_eff,
        }
        for point in frontier.points
        if point.fairness > -float("inf")
    ]
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=2 * SIDE, height=1.4 * SIDE)
        .mark_line()
        .encode(
            x=alt.X("efficiency:Q", title="efficiency Σ s p / P"),
            y=alt.Y("fairness:Q", title="fairness Σ ŵ log(p / P)", scale=alt.Scale(zero=False)),
            color=_objective(),
            strokeDash=alt.StrokeDash("alpha:N", title="α"),
            order="place:Q",
        )
    )
    return chart


def _lorenz(frontier: PoolFrontier) -> alt.Chart:
    payouts = {_split_name(policy): frontier.published.pool.split(policy).payout for policy in _shown(frontier)}
    color = alt.Color("split:N", title="split")
    return lorenz_chart(payouts, "split", color, (1.4 * SIDE, 1.4 * SIDE), LORENZ_POINTS)


def _shown(frontier: PoolFrontier) -> Iterable[SplitPolicy]:
    """Policies with λ_eff = 0, the published λ_eff and 1 under each objective; at 0 both objectives split alike."""
    own = frontier.published.policy
    shown = [SplitPolicy("log", own.alpha, 0.0)]
    for objective in OBJECTIVES:
        shown += [SplitPolicy(objective, own.alpha, place) for place in sorted({own.lambda_eff, 1.0} - {0.0})]
    return shown


def _split_name(policy: SplitPolicy) -> str:
    return f"{policy.objective}, λ_eff = {policy.lambda_eff:g}" if policy.lambda_eff else "λ_eff = 0"
