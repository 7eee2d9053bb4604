"""The published stages and payouts under a root, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.table import Table

from creatorpool.money import in_units
from creatorpool.report.console import PlainConsole
from creatorpool.runs.ledger import ALLOCATE, StageRun
from creatorpool.runs.pools import PoolRun


def print_status(
    out: PlainConsole,
    runs: Sequence[StageRun],
    pools: Sequence[PoolRun],
    unfinished: Sequence[StageRun],
) -> None:
    """Print the published stages, each day's totals, and the runs that changed tables and did not finish."""
    out.print(_stages_table(runs, pools))
    out.print(_totals_table(pools))
    for run in unfinished:
        out.print(
            f"Not finished: {run.stage} of {run.day}, run {run.run_id}. It began to change {_changes_of(run)}. "
            f"If the run has stopped, the next command that writes completes or reverts it."
        )


def _changes_of(run: StageRun) -> str:
    return ", ".join(run.rows.get("changes", [])) or "tables"


def _stages_table(runs: Sequence[StageRun], pools: Sequence[PoolRun]) -> Table:
    table = Table(title="Published stages", title_justify="left")
    for name in ("day", "stage", "run", "finished (UTC)", "tables"):
        table.add_column(name)
    lines = [(run.day, run.finished_at, run.stage, run.run_id, sorted(run.outputs)) for run in runs]
    paid: dict[tuple[date, str], list[PoolRun]] = {}
    for row in pools:
        paid.setdefault((row.day, row.run_id), []).append(row)
    for (day, run_id), rows in paid.items():
        names = [f"{len(rows)} pools"]
        lines.append(
            (day, max(row.finished_at for row in rows if row.finished_at is not None), ALLOCATE, run_id, names)
        )
    for day, finished, stage, run_id, tables in sorted(lines):
        table.add_row(day.isoformat(), stage, run_id, f"{finished:%Y-%m-%d %H:%M:%S}", ", ".join(tables))
    return table


def _totals_table(pools: Sequence[PoolRun]) -> Table:
    table = Table(title="Payouts", title_justify="left")
    for name in ("day", "pools", "pool", "paid", "unallocated", "paid videos", "currency"):
        table.add_column(name, justify="left" if name in ("day", "currency") else "right")
    for day in sorted({row.day for row in pools}):
        own = [row for row in pools if row.day == day]
        sums = [
            in_units(sum(getattr(row, f"{name}_micros") for row in own)) for name in ("pool", "paid", "unallocated")
        ]
        videos = f"{sum(row.videos_paid for row in own):,}"
        table.add_row(day.isoformat(), str(len(own)), *sums, videos, own[0].currency)
    return table
