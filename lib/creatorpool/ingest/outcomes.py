"""One pass over flagged rows: how many are good, of which day, and how many break which rule."""

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
    """Rows by verdict; `accepted` by day where the table has days, under None where it has not."""

    accepted: Counter[date | None]
    broken: Counter[str]
    quarantined: int

    @property
    def rows(self) -> int:
        """All rows, whatever their verdict."""
        return sum(self.accepted.values()) + self.quarantined


def count_outcomes(flagged: DataFrame, contract: Contract) -> OutcomeCounts:
    """Count the rows of `with_failed_rules` by verdict and day."""
    day = F.col("date") if "date" in contract.column_names else F.lit(None).cast("date").alias("date")
    by_verdict = flagged.select(F.array_join(FAILED_RULES, ",").alias("names"), day).groupBy("names", "date").count()
    harmless = {rule.name for rule in contract.row_rules if rule.severity == "warning"}
    return _tally(((names, found, number) for names, found, number in by_verdict.collect()), harmless)


def _tally(verdicts: Iterable[tuple[str, date | None, int]], harmless: set[str]) -> OutcomeCounts:
    accepted: Counter[date | None] = Counter()
    broken: Counter[str] = Counter()
    quarantined = 0
    for names, day, number in verdicts:
        rules = [name for name in names.split(",") if name]
        broken.update(dict.fromkeys(rules, number))
        if set(rules) <= harmless:
            accepted[day] += number
        else:
            quarantined += number
    return OutcomeCounts(accepted, broken, quarantined)
