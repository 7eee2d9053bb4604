"""Counts flagged rows in one pass: accepted rows by day, quarantined rows, and rows by broken rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import FAILED_RULES


@dataclass(frozen=True)
class OutcomeCounts:
    """Numbers of rows: `accepted` by day (None if the table has no days), `broken` by rule, and `quarantined`."""

    accepted: Counter[date | None]
    broken: Counter[str]
    quarantined: int

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return sum(self.accepted.values()) + self.quarantined


def count_outcomes(flagged: DataFrame, contract: Contract) -> OutcomeCounts:
    """Count the rows of `with_failed_rules` by their broken rules and day."""
    day = F.col("date") if "date" in contract.partition_by else F.lit(None).cast("date").alias("date")
    by_verdict = flagged.select(F.array_join(FAILED_RULES, ",").alias("names"), day).groupBy("names", "date").count()
    warnings = {rule.name for rule in contract.row_rules if rule.severity == "warning"}
    return _tally(((names, found, number) for names, found, number in by_verdict.collect()), warnings)


def _tally(verdicts: Iterable[tuple[str, date | None, int]], warnings: set[str]) -> OutcomeCounts:
    accepted: Counter[date | None] = Counter()
    broken: Counter[str] = Counter()
    quarantined = 0
    for names, day, number in verdicts:
        rules = [name for name in names.split(",") if name]
        broken.update(dict.fromkeys(rules, number))
        if set(rules) <= warnings:
            accepted[day] += number
        else:
            quarantined += number
    return OutcomeCounts(accepted, broken, quarantined)
