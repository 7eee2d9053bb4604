"""The report of an ingestion, for the log and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from creatorpool.contracts.results import RuleResult
from creatorpool.settlement.rates import Conversion

NOT_ACCEPTED = {
    "duplicates": "duplicates",
    "quarantined": "refused",
    "other_day": "of other days",
    "filtered": "left out by the mapping",
    "merged": "merged into another row",
    "elsewhere": "in another day's quarantine",
}
"""What becomes of records that are not accepted, in words; with the accepted ones they are all that were read"""


@dataclass(frozen=True)
class TableCounts:
    """Records of one table: read = accepted + duplicates + quarantined + other_day + filtered + merged + elsewhere.

    `accepted` includes `late` rows. `duplicates` are rows that are identical to another delivered row, or to a stored
    row. A mapping may leave records out (`filtered`), or make one row of several (`merged` of them are in the row of
    another). `broken` counts rows by broken rule; a row may break several rules. A record of a log with several days
    that has no readable time is of no day: it is among the `quarantined` (`dateless`), or `elsewhere`, in the
    quarantine of the day whose run read the log first.
    """

    read: int
    accepted: int
    duplicates: int = 0
    quarantined: int = 0
    late: int = 0
    other_day: int = 0
    filtered: int = 0
    merged: int = 0
    elsewhere: int = 0
    dateless: int = 0
    broken: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the day that the records make: without filtered ones, and those merged into another's row."""
        return self.read - self.filtered - self.merged - self.other_day - self.elsewhere

    @property
    def refused_share(self) -> float:
        """Share of the day's rows that are in quarantine."""
        return self.quarantined / max(1, self.rows)

    @property
    def outcomes(self) -> str:
        """What became of the records, in words: ``4,000 accepted (12 of them late), 3,000 of other days``."""
        late = f" ({self.late:,} of them late)" if self.late else ""
        others = {words: getattr(self, name) for name, words in NOT_ACCEPTED.items()}
        return ", ".join(
            [
                f"{self.accepted:,} accepted{late}",
                *(f"{number:,} {words}" for words, number in others.items() if number),
            ]
        )


@dataclass(frozen=True)
class IngestReport:
    """One ingestion: counts by table, versions of the tables written, and warnings."""

    day: date
    run_id: str
    tables: Mapping[str, TableCounts]
    outputs: Mapping[str, int]
    """Version of each table that has the day's rows"""
    base: Mapping[str, int] = field(default_factory=dict)
    """Versions of shared tables without this delivery; empty if it replaces none, because they are those before it"""
    latest: Mapping[str, int] = field(default_factory=dict)
    """Versions of the dimensions after rows of later days were written back"""
    warnings: tuple[str, ...] = ()
    results: tuple[RuleResult, ...] = ()
    """Of the rules on rows that the ingestion enforced"""
    conversions: Mapping[str, Conversion] = field(default_factory=dict)
    """What was converted of the revenue, by currency"""
    examples: Mapping[str, str] = field(default_factory=dict)
    """Of tables with refused rows, one of these rows and what it breaks"""

    def counts(self) -> dict[str, dict[str, Any]]:
        """Counts by table, as JSON can hold them."""
        return {table: asdict(counts) for table, counts in self.tables.items()}

    def lines(self) -> Iterator[tuple[str, str]]:
        """Each table and one line with its counts, for the run's log."""
        for table, counts in self.tables.items():
            yield table, f"{table}: {_sentence(counts)}"

    def refusals(self) -> Iterator[str]:
        """One line per table with refused rows: how many of what was delivered, and why."""
        for table, counts in self.tables.items():
            if counts.quarantined:
                yield refusal(table, asdict(counts), self.examples.get(table, ""))


def refusal(table: str, counts: Mapping[str, Any], example: str = "") -> str:
    """How many rows of `table` were refused, and why, with an `example`; `counts` has the fields of `TableCounts`."""
    own = TableCounts(**counts)
    shown = f"; see table {table}_quarantine, for example {example}" if example else ""
    undated = (
        f"; {own.dateless:,} of them are of no day, among {own.read:,} records of all days" if own.dateless else ""
    )
    return (
        f"{own.quarantined:,} of {own.rows:,} delivered {table} ({own.refused_share:.1%}) were refused: "
        f"{by_rule(own.broken)}{undated}{shown}"
    )


def counted_elsewhere(table: str, number: int, days: Iterable[str]) -> str:
    """That `number` records of `table` without a readable time are in the quarantine of other `days`."""
    named = " and ".join(sorted(set(days)))
    return (
        f"{table} without a readable time: {number:,}. They are of no day, and in the quarantine of {named}, whose run "
        f"read the same files first"
    )


def by_rule(broken: Mapping[str, int]) -> str:
    """``rule number, …``, the rules with the most rows first."""
    in_order = sorted(broken.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{rule} {number:,}" for rule, number in in_order)


def _sentence(counts: TableCounts) -> str:
    return f"{counts.read:,} read, {counts.outcomes}" + (f" ({by_rule(counts.broken)})" if counts.broken else "")
