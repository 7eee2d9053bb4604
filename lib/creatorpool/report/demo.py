"""The demo's output after the summary of the night: two videos side by side, and next steps."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow.compute as pc
from rich.table import Table

from creatorpool.money import in_units
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.report.console import PlainConsole
from creatorpool.runs.published_rows import published_arrow
from creatorpool.tables import Warehouse

QUERIES = (
    (
        "who earned most, and from how many videos",
        "SELECT date, creator_id, total_micros / 1e6 AS total, videos_paid FROM creator_payouts ORDER BY date DESC, "
        "total_micros DESC, creator_id LIMIT 5",
    ),
    (
        "does every pool close: paid and unallocated against the pool",
        "SELECT r.category, r.pool_micros - r.unallocated_micros - sum(p.payout_micros) AS difference FROM "
        "allocation_runs r JOIN pool_payouts p ON r.date = p.date AND r.category = p.category WHERE r.status = "
        "'published' GROUP BY r.date, r.category, r.pool_micros, r.unallocated_micros ORDER BY r.category",
    ),
    (
        "which rules sent events to quarantine",
        "SELECT rule, count(*) AS events FROM (SELECT explode(failed_rules) AS rule FROM events_quarantine) AS broken "
        "GROUP BY rule ORDER BY events DESC, rule",
    ),
)


def comparison(warehouse: Warehouse, day: date, videos: dict[str, str]) -> Table:
    """Signals, quality and payouts of some videos side by side; `videos` maps ids to headings."""
    rows = {
        name: {row["video_id"]: row for row in warehouse.read_arrow(name, day=day).to_pylist()}
        for name in ("video_signals", "video_quality", "video_payouts")
    }
    table = Table(title="Side by side", title_justify="left")
    table.add_column("")
    for heading in videos.values():
        table.add_column(heading, justify="right")
    table.add_row("views", *(f"{rows['video_signals'][video]['views']:,}" for video in videos))
    for component in (*COMPONENT_NAMES, "quality_score"):
        table.add_row(
            component.replace("_", " "), *(f"{rows['video_quality'][video][component]:.3f}" for video in videos)
        )
    paid = {video: rows["video_payouts"][video]["payout_micros"] for video in videos}
    table.add_row("payout from pools", *(in_units(paid[video]) for video in videos))
    per_mille = {video: paid[video] * 1000 // rows["video_signals"][video]["views"] for video in videos}
    table.add_row("payout per 1,000 views", *(in_units(per_mille[video]) for video in videos))
    return table


def print_books(out: PlainConsole, warehouse: Warehouse, month: date) -> None:
    """Print for each reason of the closed month that ends on `month` the largest payee, and that the journal balances.

    The largest is the one with the most money that is paid, held or carried.
    """
    largest: dict[str, dict[str, Any]] = {}
    for row in published_arrow(warehouse, "payee_balances", [month]).to_pylist():
        largest[row["reason"]] = max(row, largest.get(row["reason"], row), key=_size)
    table = Table(title="One payee of each kind", title_justify="left")
    for name in ("payee", "earned", "adjusted", "held", "paid", "carried", "reason"):
        table.add_column(name, justify="left" if name in ("payee", "reason") else "right")
    for row in sorted(largest.values(), key=_size, reverse=True):
        money = (in_units(row[f"{name}_micros"]) for name in ("earned", "adjusted", "held", "paid", "closing"))
        table.add_row(row["payee_id"], *money, row["reason"].replace("_", " "))
    out.print(table)
    lines = published_arrow(warehouse, "journal", columns=["entry_id", "amount_micros"])
    entries, total = pc.count_distinct(lines.column("entry_id")).as_py(), pc.sum(lines.column("amount_micros")).as_py()
    out.print(f"The journal's {lines.num_rows:,} lines in {entries:,} entries sum to {in_units(total)}.")


def _size(row: dict[str, Any]) -> int:
    return int(row["paid_micros"] + row["held_micros"] + abs(row["closing_micros"]))


def print_next_steps(out: PlainConsole, command: str, root: str) -> None:
    """Print where the tables are, and three queries to try. `command` starts creatorpool on the command line."""
    out.print()
    out.print(f"The tables are Delta tables under {root}. Three queries to try:")
    out.print()
    for about, query in QUERIES:
        out.print(f"# {about}", style="dim")
        out.print(f'{command} query --root {root} "{query}"', soft_wrap=True, highlight=False)
        out.print()
