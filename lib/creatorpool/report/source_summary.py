"""What a check of a source mapping found, on the terminal."""

from __future__ import annotations

from rich.table import Table

from creatorpool.ingest.sources.check import SampledTable, SourceFindings
from creatorpool.report.console import PlainConsole


def print_findings(found: SourceFindings) -> None:
    """Print the verdicts on the sampled rows of each table, an example for each broken rule, and the records by day."""
    out = PlainConsole(width=130)
    title = f"Sampled rows of {found.day} in {found.timezone}, by the rules of the contracts"
    table = Table(title=title, title_justify="left")
    for name in ("table", "rows", "accepted", "refused", "filtered", "merged", "other day"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for name, sampled in found.tables.items():
        _add(table, name, sampled)
    out.print(table)
    for name, sampled in found.tables.items():
        for rule, example in sampled.examples.items():
            out.print(f"{name}: {rule} is broken by {sampled.outcomes.broken[rule]:,}, such as {example}")
    if found.days:
        shown = ", ".join(f"{day} {number:,}" for day, number in found.days.items())
        out.print(f"Sampled records by day in {found.timezone} (ingest.day_timezone): {shown}")
    if found.files_timezone != found.timezone:
        out.print(
            f"Times without a zone are read as {found.files_timezone} (time_zone of the mapping). If the platform's "
            f"day is that zone's, too, run with --set ingest.day_timezone={found.files_timezone}"
        )


def _add(table: Table, name: str, sampled: SampledTable) -> None:
    left, outcomes = sampled.left_out, sampled.outcomes
    counts = (outcomes.rows, outcomes.rows - outcomes.quarantined, outcomes.quarantined)
    table.add_row(name, *(f"{number:,}" for number in (*counts, left.filtered, left.merged, left.other_day)))
