"""The frontier on the terminal: both ends and the published setting of each pool, and where a target is reached."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from creatorpool.comparison.frontier import FrontierPoint
from creatorpool.money import in_units
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.stages.frontier import PoolFrontier, Target


def print_frontiers(out: PlainConsole, frontiers: Sequence[PoolFrontier], target: Target | None) -> None:
    """One table for all pools; with a target a second one, which says plainly where it is out of reach."""
    if not frontiers:
        out.print("No pool has both money and a video that may get it: there is nothing to sweep.")
        return
    out.print(_frontier_table(frontiers))
    if target is not None:
        out.print(_target_table(frontiers, target))


def _frontier_table(frontiers: Sequence[PoolFrontier]) -> Table:
    table = Table(title="Pools at λ_eff = 0, as published, and 1, at the published α", title_justify="left")
    for name in ("category", "objective", "λ_eff", "efficiency", "Gini", "top 1 %", "eff. videos", "small", "moved"):
        table.add_column(name, justify="left" if name in ("category", "objective") else "right")
    for frontier in frontiers:
        for point in frontier.points:
            if _is_shown(frontier, point):
                table.add_row(quoted(frontier.published.pool.category), *_cells(point))
        table.add_section()
    return table


def _is_shown(frontier: PoolFrontier, point: FrontierPoint) -> bool:
    own = frontier.published.policy
    return point.policy.alpha == own.alpha and point.policy.lambda_eff in (0.0, own.lambda_eff, 1.0)


def _cells(point: FrontierPoint) -> tuple[str, ...]:
    spread = point.spread
    return (
        point.policy.objective,
        f"{point.policy.lambda_eff:g}",
        f"{point.efficiency:.4f}",
        f"{spread.gini:.3f}",
        f"{spread.top1pct_share:.1%}",
        f"{spread.effective_videos:,.1f}",
        f"{spread.small_creators_share:.2%}",
        in_units(round(point.moved)),
    )


def _target_table(frontiers: Sequence[PoolFrontier], target: Target) -> Table:
    table = Table(title=f"Where {target} is reached, at the published α", title_justify="left")
    for name in ("category", "objective", "λ_eff", "1 − λ_eff", target.measure, "reachable"):
        table.add_column(name, justify="left" if name in ("category", "objective") else "right")
    for frontier in frontiers:
        for objective, search in frontier.searches.items():
            place = ("out of reach", "", "")
            if search.lambda_eff is not None and search.value is not None:
                place = (f"{search.lambda_eff:.10g}", f"{1.0 - search.lambda_eff:.3g}", f"{search.value:.9g}")
            reachable = f"{search.least:.4f} to {search.most:.4f}"
            table.add_row(quoted(frontier.published.pool.category), objective, *place, reachable)
    return table
