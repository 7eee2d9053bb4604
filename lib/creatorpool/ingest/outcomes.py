"""Counts judged rows: accepted rows by day, quarantined rows, and rows by broken rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import FAILED_RULES
from creatorpool.ingest.judging import JudgedRows


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


def count_outcomes(judged: JudgedRows, contract: Contract) -> OutcomeCounts:
    """Count the rows by day, and those that break a rule by their rules and day."""
    is_dated = "date" in contract.partition_by
    if is_dated:
        by_day = Counter({row["date"]: row["count"] for row in judged.counted.groupBy("date").count().collect()})
    else:
        by_day = Counter({None: judged.counted.count()})
    day = F.col("date") if is_dated else F.lit(None).cast("date").alias("date")
    found = judged.broken.select(F.array_join(FAILED_RULES, ",").alias("names"), day).groupBy("names", "date").count()
    verdicts = [] if judged.number == 0 else found.collect()
    warnings = {rule.name for rule in contract.row_rules if rule.severity == "warning"}
    return tally(by_day, ((names, found, number) for names, found, number in verdicts), warnings)


def tally(
    by_day: Mapping[date | None, int], verdicts: Iterable[tuple[str, date | None, int]], warnings: set[str]
) -> OutcomeCounts:
    """Counts from all rows `by_day` and from the broken ones: names of rules joined by commas, day, number of rows."""
    accepted = Counter(by_day)
    broken: Counter[str] = Counter()
    quarantined = 0
    for names, day, number in verdicts:
        rules = names.split(",")
        broken.update(dict.fromkeys(rules, number))
        if not set(rules) <= warnings:
            accepted[day] -= number
            quarantined += number
    return OutcomeCounts(+accepted, broken, quarantined)
