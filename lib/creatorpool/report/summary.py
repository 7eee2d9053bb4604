"""The summary at the end of a run: pools, coverage, concentration, warnings and top creators."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table

from creatorpool.allocation.idle_efficiency import idle_efficiency, other_warnings
from creatorpool.display import display
from creatorpool.money import in_units, in_whole_cents
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.report.ingest_summary import print_delivered
from creatorpool.report.rounded_pools import rounded_pools
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.runs.pools import PoolRun
from creatorpool.stages.allocation import DayPayouts
from creatorpool.stages.context import RunContext

TOP_CREATORS = 5


def print_summary(context: RunContext, payouts: DayPayouts, console: PlainConsole | None = None) -> None:
    """Print the summary of `payouts`; a fault in it leaves a published day as it is."""
    with display(context.day, "summary", is_published=not context.dry_run):
        _print(context, payouts, console or PlainConsole(width=110))


def _print(context: RunContext, payouts: DayPayouts, out: PlainConsole) -> None:
    currency = payouts.pools[0].currency if payouts.pools else ""
    state = "computed, nothing written (dry run)" if context.dry_run else "published"
    out.print()
    out.print(f"Creator payouts of {context.day}, {state}, in {currency}", style="bold")
    out.print()
    print_delivered(out, published_run(context.warehouse, INGEST, context.day), context.warehouse)
    out.print()
    out.print(pools_table(payouts.pools))
    coverage = payouts.signals.coverage
    out.print(coverage.line)
    if warning := coverage.warning(context.settings.report.coverage_loss_warning):
        out.print(f"Warning: {warning}.", style="yellow")
    for warning in payouts.unfunded:
        out.print(f"Warning: {warning}.", style="yellow")
    if payouts.unfunded:
        out.print(coverage.unpaid_line(payouts.video_payouts.where("payout_micros > 0").count()))
    for pool in payouts.pools:
        for warning in other_warnings(pool.warning):
            out.print(f"Warning, pool {quoted(pool.category)}: {warning}", style="yellow")
    if idle := idle_efficiency(context.settings.allocation, payouts.pools, currency):
        out.print(f"Warning: {idle}.", style="yellow")
    if carried := sum(pool.carried_micros or 0 for pool in payouts.pools):
        out.print(
            f"Refunds exceed revenue by {in_units(-carried, currency)}: later days of these categories take the rest."
        )
    out.print()
    out.print(creators_table(payouts.creator_payouts, currency))
    if context.seconds:
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in context.seconds.items())
        out.print(f"Time: {stages}; checks of contracts are {context.contract_seconds:.1f} s of it.")


def pools_table(pools: Sequence[PoolRun]) -> Table:
    """One line per pool, and the total."""
    table = Table(title="Pools", title_justify="left")
    for name in ("category", "pool", "paid", "unallocated", "videos", "paid videos", "coverage", "Gini", "top 1 %"):
        table.add_column(name, justify="left" if name == "category" else "right")
    shown = rounded_pools(pools)
    for pool, own in zip(pools, shown, strict=True):
        table.add_row(
            quoted(pool.category),
            *map(in_units, (own.pool, own.paid, own.unallocated)),
            f"{pool.videos_eligible:,}",
            f"{pool.videos_paid:,}",
            _number(pool.coverage, ".1%"),
            _number(pool.gini, ".3f"),
            _number(pool.top1pct_share, ".1%"),
        )
    table.add_section()
    sums = (sum(own.pool for own in shown), sum(own.paid for own in shown), sum(own.unallocated for own in shown))
    table.add_row("all", *map(in_units, sums), "", "", "", "", "")
    return table


def creators_table(creator_payouts: DataFrame, currency: str) -> Table:
    """The creators who earned most."""
    top = creator_payouts.orderBy(F.desc("total_micros"), "creator_id").limit(TOP_CREATORS).collect()
    table = Table(title=f"Top creators ({currency})", title_justify="left")
    for name in ("creator", "from pools", "Pulse", "total", "videos paid"):
        table.add_column(name, justify="left" if name == "creator" else "right")
    for row in top:
        earned = in_whole_cents([row["payout_micros"], row["pulse_micros"]])
        table.add_row(quoted(row["creator_id"]), *map(in_units, (*earned, sum(earned))), f"{row['videos_paid']:,}")
    return table


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
