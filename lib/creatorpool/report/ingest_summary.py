"""What of a delivery was accepted and refused, and what a corrected delivery changed, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from creatorpool.ingest.report import TableCounts, counted_elsewhere, refusal
from creatorpool.ingest.rule_results import refused_example
from creatorpool.money import in_units
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.runs.ledger import StageRun
from creatorpool.runs.pools import PoolRun
from creatorpool.stages.rates import conversions_of
from creatorpool.stages.reingestion import Reingestion
from creatorpool.tables import Warehouse


def print_delivered(out: PlainConsole, run: StageRun | None, warehouse: Warehouse) -> None:
    """Print how many rows of each table the day's ingestion was given, what became of them, and why some were refused.

    The examples of refused rows are from `warehouse`.
    """
    if run is None:
        return
    read = ", ".join(_delivered(table, counts) for table, counts in sorted(run.rows.items()))
    refused = list(_refusals(run, warehouse))
    out.print(f"Delivered rows: {read}; {'some were refused:' if refused else 'none was refused.'}")
    for line in refused:
        out.print(f"  {line}", style="yellow")
    for found in conversions_of(run):
        out.print(f"  {found.sentence()}")
    for table, counts in sorted(run.rows.items()):
        if number := counts.get("elsewhere"):
            out.print(f"  {counted_elsewhere(table, number, run.inputs['dateless'].values())}")


def _delivered(table: str, counts: Mapping[str, Any]) -> str:
    own = TableCounts(**counts)
    return f"{table} {own.read:,}{'' if own.accepted == own.read else f' ({own.outcomes})'}"


def _refusals(run: StageRun, warehouse: Warehouse) -> Iterator[str]:
    for table, counts in sorted(run.rows.items()):
        if counts["quarantined"]:
            version = run.outputs.get(f"{table}_quarantine")
            yield refusal(table, counts, refused_example(warehouse, table, run.day, version))


def print_reingestion(out: PlainConsole, done: Reingestion) -> None:
    """Print what the corrected delivery changed: rows, pools and payouts."""
    if done.before is None:
        return
    out.print(f"Corrected delivery of {done.before.ingestion.day}, compared with the one ingested before", style="bold")
    out.print(_rows_table(done))
    out.print(_pools_table(done))


def _rows_table(done: Reingestion) -> Table:
    table = Table(title="Accepted rows", title_justify="left")
    for name in ("table", "before", "now", "added", "removed", "changed"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for name, found in done.rows.items():
        numbers = (found.before, found.now, found.added, found.removed, found.changed)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table


def _pools_table(done: Reingestion) -> Table:
    before = {} if done.before is None else done.before.pools
    now = {row.category: row for row in done.payouts.pools}
    currencies = ", ".join(sorted({row.currency for row in (*before.values(), *now.values())}))
    table = Table(title=f"Pools, in {currencies}", title_justify="left")
    for name in ("category", "pool before", "pool now", "paid before", "paid now", "difference"):
        table.add_column(name, justify="left" if name == "category" else "right")
    for category in sorted({*before, *now}):
        table.add_row(quoted(category), *_money(before.get(category), now.get(category)))
    return table


def _money(before: PoolRun | None, now: PoolRun | None) -> tuple[str, ...]:
    old, new = (() if row is None else (row.pool_micros, row.paid_micros) for row in (before, now))
    pool_before, paid_before = old or (0, 0)
    pool_now, paid_now = new or (0, 0)
    amounts = (pool_before, pool_now, paid_before, paid_now, paid_now - paid_before)
    return tuple(in_units(amount) for amount in amounts)
