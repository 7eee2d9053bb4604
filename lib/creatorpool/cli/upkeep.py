"""The verb that maintains the tables' files."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from creatorpool.cli.options import TablesOptions

logger = logging.getLogger("creatorpool")


def maintain(
    options: TablesOptions,
    keep_days: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="runs of so many days stay repeatable; published days stay readable for good"
        ),
    ] = 3650,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be deleted, change nothing")] = False,
) -> None:
    """Compact the tables' files, and delete those that no kept version needs, between nights. Starts no engine."""
    from rich.table import Table

    from creatorpool.report.console import PlainConsole
    from creatorpool.stages.maintenance import maintain_tables
    from creatorpool.tables import Warehouse

    warehouse = Warehouse(None, options.existing_root())
    title = "Would be deleted (dry run; nothing was compacted)" if dry_run else "Upkeep, in files"
    table = Table(title=title, title_justify="left")
    for name in ("table", "versions kept for the ledger", "compacted", "into", "deleted", "log files deleted"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for done in maintain_tables(warehouse, timedelta(days=keep_days), dry_run=dry_run):
        logger.info("maintain: %s is done", done.table, extra={"facts": asdict(done)})
        figures = (done.kept_versions, done.compacted, done.written, done.deleted, done.shortened)
        table.add_row(done.table, *(f"{figure:,}" for figure in figures))
    PlainConsole(width=110).print(table)
