"""Validates one delivered table before anything is written: finds good rows, repetitions and rows that break a rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.conformance import conform, has_contract_types
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW, quarantined_rows
from creatorpool.contracts.schema import with_new_columns
from creatorpool.expressions import words
from creatorpool.frames import union_all
from creatorpool.ingest.delivery import Delivery, LeftOut, delivered_key
from creatorpool.ingest.duplicates import deduplicated, duplicate_key_hashes, unique_rows
from creatorpool.ingest.judging import JudgedRows, judged
from creatorpool.ingest.outcomes import OutcomeCounts, count_outcomes
from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.rules import conflict_rule
from creatorpool.ingest.steps import log_step
from creatorpool.ingest.text_columns import with_whole_numbers
from creatorpool.quoting import quoted
from creatorpool.storage.materialize import computed_once, materialized_if_small
from creatorpool.storage.places import Place


@dataclass(frozen=True)
class ValidatedTable:
    """One table's rows, those that break a rule, and their counts."""

    contract: Contract
    judged: JudgedRows
    counts: TableCounts
    rules: tuple[RowRule, ...]
    """Rules beside the contract's own that the rows were checked by"""
    origins: Mapping[str, str] = field(default_factory=dict)
    """How a mapping makes the columns"""

    @property
    def good(self) -> DataFrame:
        """Rows that break no rule of severity `error`, with the table's columns."""
        # If all rows are good, skip the filter: it would judge all rows again.
        kept = self.judged.good(self.contract) if self.counts.quarantined else self.judged.rows
        return kept.select(*self.contract.column_names)

    @property
    def refused(self) -> DataFrame:
        """Rows that break a rule: the table's key, `raw_row` and `failed_rules`."""
        return self.judged.broken

    def with_rows(self, rows: DataFrame) -> ValidatedTable:
        """The same table where `rows`, which are the same rows, are cheaper to compute or converted."""
        return replace(self, judged=replace(self.judged, rows=rows))

    def quarantine(self, day: date, ingested_at: datetime) -> DataFrame:
        """Rows that break a rule of severity `error`, with the columns of `<table>_quarantine`."""
        return quarantined_rows(self.judged.broken, self.contract, day=day, ingested_at=ingested_at)

    def example(self) -> str:
        """A message with one delivered row that breaks rules, the rules, and how a mapping makes their columns."""
        row = self.refused.select(FAILED_RULES, "raw_row").first()
        if row is None:
            return "none"
        return f"{quoted(row['raw_row'])} breaks {', '.join(row[FAILED_RULES])}{self._made(row[FAILED_RULES])}"

    def _made(self, broken: Collection[str]) -> str:
        """How a mapping makes the columns that `broken` rules read, in brackets; nothing without a mapping."""
        rules = (rule for rule in (*self.contract.row_rules, *self.rules) if rule.name in broken)
        read = set[str]().union(*(words(rule.expression) for rule in rules))
        made = [
            origin
            for column, origin in self.origins.items()
            if column in read or any(name.startswith(f"{column}_") for name in broken)
        ]
        return f" ({'; '.join(made)})" if made else ""


def conformed(delivery: Delivery, contract: Contract) -> DataFrame:
    """All parts of a delivery in the contract's types, with NULL in nullable columns that it lacks."""
    log_step(contract.name, "converts and checks its rows")
    given = [with_whole_numbers(part, contract) if delivery.is_text else part for part in delivery.parts]
    raw = any(RAW_ROW in p.columns or not has_contract_types(p, contract) for p in (*delivery.typed, *given))
    typed, converted = (
        [
            with_new_columns(conform(part, contract, absent=delivery.absent, with_raw_row=raw), contract)
            for part in parts
        ]
        for parts in (delivery.typed, given)
    )
    if converted and delivery.staging is not None:
        converted = [computed_once(union_all(converted), delivery.staging)]
    return union_all([*typed, *converted])


def validated_table(
    delivery: Delivery,
    contract: Contract,
    session: SparkSession,
    day: date,
    folder: Place,
    rules: Sequence[RowRule] = (),
) -> ValidatedTable:
    """Validate a table that has one row per key. If it has days, rows of other days than `day` are only counted.

    `folder` is for files that the engine writes in between.
    """
    rows = conformed(delivery, contract)
    left_out = delivery.left_out
    if "date" in contract.partition_by:
        is_other = F.coalesce(F.col("date") != F.lit(day), F.lit(False))
        left_out += LeftOut(other_day=rows.where(is_other).count())
        rows = rows.where(~is_other)
    key = delivered_key(contract)
    duplicate_keys = materialized_if_small(duplicate_key_hashes(rows, contract, key), session)
    rows_read = None
    if duplicate_keys.number != 0:
        rows_read = rows.count()
        rows = deduplicate(rows, duplicate_keys.rows, contract, key, session)
        rules = [*rules, conflict_rule(contract)]
    found = judged(rows, contract, rules, key=key, delivery=delivery, folder=folder)
    outcomes = count_outcomes(found, contract)
    duplicates = 0 if rows_read is None else rows_read - outcomes.rows
    counts = table_counts(outcomes, duplicates, left_out, dateless=delivery.dateless)
    return ValidatedTable(contract, found, counts, tuple(rules), delivery.origins)


def deduplicate(
    rows: DataFrame,
    duplicate_keys: DataFrame,
    contract: Contract,
    key: Sequence[str],
    session: SparkSession,
    stored: DataFrame | None = None,
) -> DataFrame:
    """`rows` without repetitions, with column `in_conflict`; see `duplicates.deduplicated`."""
    few = materialized_if_small(deduplicated(rows, duplicate_keys, contract, key, stored), session)
    return unique_rows(rows, duplicate_keys, key).unionByName(few.rows)


def table_counts(
    outcomes: OutcomeCounts, duplicates: int, left_out: LeftOut, *, dateless: int = 0, day: date | None = None
) -> TableCounts:
    """The counts for the report; rows of a day before `day` count as late. `dateless` rows belong to no day."""
    late = sum(n for found, n in outcomes.accepted.items() if day is not None and found is not None and found < day)
    return TableCounts(
        read=outcomes.rows + duplicates + left_out.total,
        accepted=sum(outcomes.accepted.values()),
        duplicates=duplicates,
        quarantined=outcomes.quarantined,
        late=late,
        other_day=left_out.other_day,
        filtered=left_out.filtered,
        merged=left_out.merged,
        elsewhere=left_out.elsewhere,
        dateless=min(dateless, outcomes.quarantined),
        broken=dict(sorted(outcomes.broken.items())),
    )
