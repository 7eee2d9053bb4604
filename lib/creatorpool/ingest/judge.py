"""Which delivered rows are good, which repeat others, which break a rule: for one table, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.conformance import conform
from creatorpool.contracts.row_rules import FAILED_RULES, good_rows, quarantined_rows, with_failed_rules
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.repeats import repeated_hashes, settle_repeats
from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.rules import conflict_rule, only_unreadable
from creatorpool.ingest.survey import Survey, survey_rows

_BROADCAST_ROWS = 1_000_000
"""So many hashes or ids fit every executor; beyond, the engine plans the join."""


@dataclass(frozen=True)
class JudgedTable:
    """One table's rows with the rules that each breaks, and their number by verdict."""

    contract: Contract
    flagged: DataFrame
    counts: TableCounts

    @property
    def good(self) -> DataFrame:
        """Rows that break no rule, as the table takes them."""
        return good_rows(self.flagged, self.contract)

    def quarantine(self, day: date, ingested_at: datetime) -> DataFrame:
        """Rows that break a rule, as `<table>_quarantine` takes them."""
        return quarantined_rows(self.flagged, self.contract, day=day, ingested_at=ingested_at)

    def example(self) -> str:
        """One row that breaks a rule, as it came, and the rules."""
        row = self.flagged.where(F.size(FAILED_RULES) > 0).select(FAILED_RULES, "raw_row").first()
        return "none" if row is None else f"{row['raw_row']} breaks {', '.join(row[FAILED_RULES])}"


def conformed(delivery: Delivery, contract: Contract) -> DataFrame:
    """All parts of a delivery in the contract's types; an event's `date` follows from its time where it has none."""
    parts = [conform(part, contract, absent=delivery.absent) for part in delivery.parts]
    rows = reduce(DataFrame.unionByName, parts)
    return rows.withColumn("date", F.col("event_ts").cast("date")) if "date" in delivery.absent else rows


def judge_table(
    delivery: Delivery, contract: Contract, session: SparkSession, day: date, rules: Sequence[RowRule] = ()
) -> JudgedTable:
    """Judge a table that has one row a key; rows of another day than `day`, where it has days, are only counted."""
    rows = conformed(delivery, contract)
    other_day = 0
    if "date" in contract.column_names:
        is_other = F.coalesce(F.col("date") != F.lit(day), F.lit(False))
        other_day = rows.where(is_other).count()
        rows = rows.where(~is_other)
    contested = collected(repeated_hashes(rows, contract, contract.key), session)
    unsettled = rows
    if contested is not None:
        rows = settle_repeats(rows, contested, contract, contract.key)
        rules = [*rules, conflict_rule(contract)]
    flagged = flag_rows(rows, contract, rules, is_text=delivery.is_text)
    survey = survey_rows(flagged, contract)
    duplicates = unsettled.count() - survey.rows if contested is not None else 0
    return JudgedTable(contract, flagged, table_counts(survey, duplicates, other_day=other_day))


def flag_rows(rows: DataFrame, contract: Contract, rules: Sequence[RowRule], *, is_text: bool) -> DataFrame:
    """Add to `rows` the names of the rules that each breaks."""
    flagged = with_failed_rules(rows, contract, rules)
    if any("->" in rule.expression for rule in contract.row_rules):
        flagged = flagged.withColumn(FAILED_RULES, _unmovable(F.col(FAILED_RULES)))
    return only_unreadable(flagged, contract) if is_text else flagged


def _unmovable(value: Column) -> Column:
    """`value`, in a form that no filter on it is moved below it.

    Sail 0.7 moves filters into the scan of a file and there fails on rules with a lambda (`forall` and its like). What
    may differ from one evaluation to the next is not moved.
    """
    return F.when(F.rand() >= 0, value)


def table_counts(survey: Survey, duplicates: int, *, other_day: int = 0, day: date | None = None) -> TableCounts:
    """The report's counts; rows of an earlier day than `day` are late."""
    late = sum(n for found, n in survey.accepted.items() if day is not None and found is not None and found < day)
    return TableCounts(
        read=survey.rows + duplicates + other_day,
        accepted=sum(survey.accepted.values()),
        duplicates=duplicates,
        quarantined=survey.quarantined,
        late=late,
        other_day=other_day,
        broken=dict(sorted(survey.broken.items())),
    )


def collected(hashes: DataFrame, session: SparkSession) -> DataFrame | None:
    """`hashes`, None if there are none; a moderate number is computed once and sent along, not again in each pass."""
    found = hashes.limit(_BROADCAST_ROWS + 1).toArrow()
    if not found.num_rows:
        return None
    return hashes if found.num_rows > _BROADCAST_ROWS else F.broadcast(session.createDataFrame(found))


def sent_along(rows: DataFrame, number: int) -> DataFrame:
    """`rows`, marked to be sent to every executor where their `number` allows."""
    return F.broadcast(rows) if number <= _BROADCAST_ROWS else rows
