"""Section on checked rules and refused rows."""

from __future__ import annotations

from collections.abc import Mapping

from creatorpool.ingest.report import NOT_ACCEPTED, TableCounts
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import Block, Figure, Figures, Paragraph, Section, Table, percent
from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.ledger import INGEST

RULES_DRAWN = 12


def checks_section(report: ReportDay) -> Section:
    """Contract results by table, broken rules by name, and the quarantine by rule."""
    failed = [row for row in report.results if not row["passed"]]
    blocks: list[Block] = []
    if failed:
        rows = [
            (
                row["contract"],
                row["rule"].replace("_", " "),
                row["hint"] or "–",
                row["severity"],
                f"{row['rows_failed']:,}",
            )
            for row in failed
        ]
        blocks.append(Table(("table", "rule", "what it means", "severity", "rows"), rows, "Broken rules", left=4))
    blocks += [*_quarantine(report), _contracts(report)]
    lead = (
        f"{len(report.results):,} rules were checked in the day's latest runs; {len(failed) or 'none'} were broken. "
        "A broken rule of severity error stops a stage before it publishes, or sends the row to quarantine."
    )
    return Section("checks", "Checks", "Contracts and quarantine", lead, blocks)


def _contracts(report: ReportDay) -> Block:
    if not report.results:
        return Paragraph("No contract results are stored for this day.", "missing")
    rows = []
    for contract in sorted({row["contract"] for row in report.results}):
        own = [row for row in report.results if row["contract"] == contract]
        broken = sum(not row["passed"] for row in own)
        checked = max(row["rows_checked"] for row in own)
        rows.append((contract, f"{len(own):,}", f"{broken:,}" if broken else "none", f"{checked:,}"))
    return Table(("table", "rules", "broken", "rows checked"), rows, "Contracts, latest run of each", folded=True)


def delivered(report: ReportDay) -> Mapping[str, TableCounts]:
    """Ingestion counts by table."""
    run = report.runs.get(INGEST)
    return {} if run is None else {table: TableCounts(**counts) for table, counts in sorted(run.rows.items())}


def _delivered(counts: Mapping[str, TableCounts]) -> Table:
    """What became of the records that were read: accepted ones, and the columns of `NOT_ACCEPTED` that have some."""
    usual = ("duplicates", "quarantined")
    shown = [name for name in NOT_ACCEPTED if name in usual or any(getattr(of, name) for of in counts.values())]
    rows = [
        (
            table,
            *(f"{getattr(of, name):,}" for name in ("read", "accepted", *shown, "late")),
            percent(of.refused_share, 2),
        )
        for table, of in counts.items()
    ]
    words = (NOT_ACCEPTED[name] for name in shown)
    return Table(("table", "read", "accepted", *words, "accepted late", "refused share"), rows, "Delivered rows")


def _quarantine(report: ReportDay) -> list[Block]:
    counts = delivered(report)
    if not counts:
        return [Paragraph("The ledger has no ingestion counts for this day.", "missing")]
    broken = sorted(
        (
            (f"{table}: {rule.replace('_', ' ')}", count)
            for table, of in counts.items()
            for rule, count in of.broken.items()
        ),
        key=lambda pair: (-pair[1], pair[0]),
    )
    if not broken:
        return [_delivered(counts), Paragraph("No delivered row went to quarantine.", "good")]
    table = Table(("rule", "rows"), [(rule, f"{count:,}") for rule, count in broken], "Refused rows by rule")
    bars = [{"label": rule, "part": "rows", "value": count, "place": 0} for rule, count in broken[:RULES_DRAWN]]
    alt_text = f"Refused rows by rule; most by '{broken[0][0]}', {broken[0][1]:,}. A row may break several rules."
    drawn = drawing.svg(drawing.ranked_bars(bars, "rows"), alt_text)
    more = f"; {len(broken) - RULES_DRAWN} more in the table" if len(broken) > RULES_DRAWN else ""
    return [Figures([Figure(f"Quarantine by rule{more}", drawn, alt_text, table)], beside=_delivered(counts))]
