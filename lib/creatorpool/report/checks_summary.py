"""What the recomputation of a published day found, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.stages.context import RunContext
from creatorpool.verification.checks import Check


def print_checks(context: RunContext, checks: Sequence[Check]) -> None:
    """One row a check: what was compared, how much of it, and how much of that differs."""
    table = Table(title=f"Published day {context.day}, recomputed", title_justify="left")
    for name in ("check", "compared", "differences", "for example"):
        table.add_column(name, justify="right" if name in ("compared", "differences") else "left")
    for check in checks:
        table.add_row(check.name, f"{check.compared:,}", f"{check.differences:,}", quoted(check.example or ""))
    PlainConsole(width=130).print(table)
