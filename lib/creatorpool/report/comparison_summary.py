"""Rules side by side on the terminal and in a chart."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
from rich.table import Table

from creatorpool.comparison.compare import RULES, RuleOutcome
from creatorpool.money import in_units
from creatorpool.quoting import quoted
from creatorpool.report.charts import chart_data, lorenz_chart
from creatorpool.report.console import PlainConsole
from creatorpool.stages.comparison import PoolComparison

SIDE = 240
LORENZ_POINTS = 200


def print_comparisons(out: PlainConsole, comparisons: Sequence[PoolComparison]) -> None:
    """One table for all pools."""
    table = Table(title="Rules on the same money and videos; changes are against the payouts published")
    names = ("category", "rule", "Gini", "top 1 %", "eff. videos", "paid", "small", "moved", "gain", "lose", "most")
    for name in names:
        table.add_column(name, justify="left" if name in ("category", "rule") else "right")
    for comparison in comparisons:
        for outcome in comparison.outcomes:
            table.add_row(quoted(comparison.published.pool.category), outcome.rule, *_cells(outcome))
        table.add_section()
    out.print(table)
    out.print("gain, lose: creators. most: the largest gain of one creator. small: small creators' share.", style="dim")


def _cells(outcome: RuleOutcome) -> tuple[str, ...]:
    spread = outcome.spread
    return (
        f"{spread.gini:.3f}",
        f"{spread.top1pct_share:.1%}",
        f"{spread.effective_videos:,.1f}",
        f"{outcome.videos_paid / outcome.payout.size:.1%}",
        f"{spread.small_creators_share:.2%}",
        in_units(outcome.moved_micros),
        f"{outcome.creators_gaining:,}",
        f"{outcome.creators_losing:,}",
        in_units(outcome.top_gain.micros if outcome.top_gain else None),
    )


def comparison_chart(comparisons: Sequence[PoolComparison]) -> alt.VConcatChart:
    """One block a pool: Lorenz curves of all rules, and what small creators get."""
    page: alt.VConcatChart = alt.vconcat(*(_pool_chart(comparison) for comparison in comparisons))
    return page


def _pool_chart(comparison: PoolComparison) -> alt.HConcatChart:
    category = comparison.published.pool.category
    block: alt.HConcatChart = alt.hconcat(
        _lorenz(comparison), _bars(comparison, "gini", "Gini"), _bars(comparison, "small", "small creators' share")
    ).properties(title=f"Pool {quoted(category)}")
    return block


def _lorenz(comparison: PoolComparison) -> alt.Chart:
    payouts = {outcome.rule: outcome.payout for outcome in comparison.outcomes}
    return lorenz_chart(payouts, "rule", alt.Color("rule:N", sort=list(RULES)), (1.4 * SIDE, SIDE), LORENZ_POINTS)


def _bars(comparison: PoolComparison, measure: str, title: str) -> alt.Chart:
    rows = [
        {"rule": outcome.rule, "gini": outcome.spread.gini, "small": outcome.spread.small_creators_share}
        for outcome in comparison.outcomes
    ]
    chart: alt.Chart = (
        alt.Chart(chart_data(rows), width=0.7 * SIDE, height=SIDE)
        .mark_bar()
        .encode(
            x=alt.X("rule:N", sort=list(RULES), title=None),
            y=alt.Y(f"{measure}:Q", title=title),
            color=alt.Color("rule:N", sort=list(RULES)),
        )
    )
    return chart
