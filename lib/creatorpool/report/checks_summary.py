"""The result of the recomputation of a published day, or of a month's books, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.verification.checks import Check
from creatorpool.verification.day import AS_PUBLISHED

LEGEND = (
    "'a from b' compares the published rows of a with those that follow from b, at the table versions that the ledger "
    f"names. '{AS_PUBLISHED}' compares a table's latest version, which readers without the ledger see, with the "
    f"published one: 1 version if these are the same, else the day's rows in both."
)


def print_checks(what: str, checks: Sequence[Check]) -> None:
    """Print one row per check of `what`: what is compared, how much of it, how much differs, and an example."""
    table = Table(title=f"{what}, recomputed", title_justify="left")
    for name in ("check", "compared", "differences", "for example"):
        table.add_column(name, justify="right" if name in ("compared", "differences") else "left")
    for check in checks:
        table.add_row(check.name, check.extent, f"{check.differences:,}", quoted(check.example or ""))
    out = PlainConsole(width=130)
    out.print(table)
    if any(check.name.endswith(AS_PUBLISHED) for check in checks):
        out.print(LEGEND, style="dim")
