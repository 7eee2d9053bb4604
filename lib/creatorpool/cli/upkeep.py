"""The command that looks after the tables' files."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from creatorpool.cli.options import Root
from creatorpool.pipeline.maintenance import maintain_tables
from creatorpool.report.console import PlainConsole
from creatorpool.storage.places import tables_root
from creatorpool.tables import Warehouse


def maintain(
    root: Root,
    keep_days: Annotated[
        int, typer.Option(min=1, help="runs of so many days stay repeatable; published days stay readable for good")
    ] = 3650,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be deleted, change nothing")] = False,
) -> None:
    """Compact tables' files, delete those that no kept version needs. Run it between nights; no engine is started."""
    warehouse = Warehouse(None, tables_root(root))
    title = "Would be deleted (dry run; nothing was compacted)" if dry_run else "Upkeep, in files"
    table = Table(title=title, title_justify="left")
    for name in ("table", "versions kept for the ledger", "compacted", "into", "deleted"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for done in maintain_tables(warehouse, timedelta(days=keep_days), dry_run=dry_run):
        figures = (done.kept_versions, done.compacted, done.written, done.deleted)
        table.add_row(done.table, *(f"{figure:,}" for figure in figures))
    PlainConsole(width=110).print(table)
