"""What a check of a source mapping found, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.sources.findings import SourceFindings
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole

_COLUMNS = ("rows", "accepted", "refused", "duplicates", "filtered", "merged", "other day")


def print_findings(found: SourceFindings) -> None:
    """Print the verdicts on the sampled rows of each table, an example for each broken rule, and the records by day."""
    out = PlainConsole(width=130)
    day = "" if found.day is None else f" of {found.day} in {found.timezone}"
    table = Table(title=f"Sampled rows{day}, by the rules of a run", title_justify="left")
    for name in ("table", *_COLUMNS):
        table.add_column(name, justify="left" if name == "table" else "right")
    for name, sampled in found.tables.items():
        table.add_row(name, *(f"{number:,}" for number in _numbers(sampled.counts)))
    if found.tables:
        out.print(table)
    for name, sampled in found.tables.items():
        for rule, example in sampled.examples.items():
            out.print(f"{name}: {rule} is broken by {sampled.counts.broken[rule]:,}, such as {example}")
    for line in (*_days(found), *_local_times(found)):
        out.print(line)
    if found.is_cut:
        out.print("Some files may have more records than the sample: --rows N reads more of each")


def _numbers(counts: TableCounts) -> tuple[int, ...]:
    judged = (counts.rows, counts.accepted, counts.quarantined, counts.duplicates)
    return (*judged, counts.filtered, counts.merged, counts.other_day)


def _days(found: SourceFindings) -> Iterator[str]:
    if found.days:
        shown = ", ".join(f"{day} {number:,}" for day, number in found.days.items())
        yield f"Sampled records by day in {found.timezone} (ingest.day_timezone): {shown}"
    if found.has_whole_days:
        yield f"The sampled times fill whole days by the clocks of {found.timezone}"


def _local_times(found: SourceFindings) -> Iterator[str]:
    """How times without a zone are read, if that is not the platform's zone."""
    if found.files_timezone == found.timezone:
        return
    for times in found.local_times:
        yield (
            f"{times.number:,} sampled times in column '{quoted(times.column)}' of input '{quoted(times.input)}' name "
            f"no zone, such as '{quoted(times.example)}'. They are read as {found.files_timezone} (time_zone of the "
            f"mapping)"
        )
    if found.local_times and not found.has_whole_days:
        yield (
            f"If these times are by the platform's clocks, set time_zone to {found.timezone} in the mapping; if the "
            f"platform's day is that of {found.files_timezone}, set ingest.day_timezone to it"
        )
