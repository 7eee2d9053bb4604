"""Results of the rules on rows that an ingestion enforced, for table `contract_results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from pyspark.sql import functions as F

from creatorpool.contracts import RowRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.row_rules import FAILED_RULES
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.tables import Warehouse

_HINT = "The delivered text must be readable as the type of the column."


def rule_results(warehouse: Warehouse, table: ValidatedTable, day: date, run_id: str) -> Iterator[RuleResult]:
    """One result for each rule of severity `error` on the delivered rows, with the key of one broken row.

    The quarantine of `day` must be written already. Broken warnings and rules on the whole table are not among them:
    `validate_table` checks these on the stored rows.
    """
    counts = table.counts
    examples = _examples(warehouse, table, day) if counts.quarantined else {}
    for rule in _enforced(table):
        failed = counts.broken.get(rule.name, 0)
        yield RuleResult(
            contract=table.contract.name,
            rule=rule.name,
            run_id=run_id,
            severity=rule.severity,
            passed=failed == 0,
            rows_checked=counts.accepted + counts.quarantined,
            rows_failed=failed,
            example=examples.get(rule.name),
            hint=rule.hint,
        )


def _enforced(table: ValidatedTable) -> list[RowRule]:
    """The contract's rules and those of the run; rules on text, which no contract states, only if they are broken."""
    stated = {rule.name: rule for rule in (*table.contract.row_rules, *table.rules)}
    unstated = [RowRule(name, "true", "error", _HINT) for name in table.counts.broken if name not in stated]
    return [rule for rule in (*stated.values(), *unstated) if rule.severity == "error"]


def _examples(warehouse: Warehouse, table: ValidatedTable, day: date) -> Mapping[str, str | None]:
    """For each broken rule the smallest key of a row in quarantine; None if no such row has a key."""
    quarantine = f"{table.contract.name}_quarantine"
    key = warehouse.contract(quarantine).key[-1]
    broken = warehouse.read(quarantine, day=day).select(F.explode(FAILED_RULES).alias("rule"), key)
    return {row["rule"]: row["example"] for row in broken.groupBy("rule").agg(F.min(key).alias("example")).collect()}
