"""Results of the rules on rows that an ingestion enforced, for table `contract_results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from pyspark.sql import functions as F

from creatorpool.contracts import RowRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW
from creatorpool.ingest.rules import UNREADABLE
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.quoting import quoted
from creatorpool.tables import Warehouse

_HINT = "The delivered text must be readable as the type of the column."
_UNREADABLE_HINT = "The record must be readable: UTF-8, whole, and with as many fields as there are columns."
_EXAMPLE = 80
"""Most characters of a refused row in a message"""


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
    unstated = [
        RowRule(name, "true", "error", _hint_of_text(name)) for name in table.counts.broken if name not in stated
    ]
    return [rule for rule in (*stated.values(), *unstated) if rule.severity == "error"]


def refused_example(warehouse: Warehouse, table: str, day: date, version: int | None = None) -> str:
    """One row of the day's quarantine of `table`, the rules that it breaks, and what the contract says of the first.

    The quarantine, by default its latest version, must have a row of the day.
    """
    name = f"{table}_quarantine"
    rows = warehouse.read(name, day=day, version=version).select(
        warehouse.contract(name).key[-1], RAW_ROW, FAILED_RULES
    )
    _, row, failed = rows.orderBy(*rows.columns[:2]).limit(1).collect()[0]
    hints = {rule.name: rule.hint for rule in warehouse.contract(table).row_rules}
    meaning = hints.get(failed[0]) or (_hint_of_text(failed[0]) if failed[0].endswith("_readable") else "")
    return f"{quoted(row, _EXAMPLE)} breaks {', '.join(failed)}{f' ({meaning})' if meaning else ''}"


def _hint_of_text(rule: str) -> str:
    """What a rule on delivered text, which no contract states, asks for."""
    return _UNREADABLE_HINT if rule == UNREADABLE else _HINT


def _examples(warehouse: Warehouse, table: ValidatedTable, day: date) -> Mapping[str, str | None]:
    """For each broken rule the smallest key of a row in quarantine; None if no such row has a key."""
    quarantine = f"{table.contract.name}_quarantine"
    key = warehouse.contract(quarantine).key[-1]
    broken = warehouse.read(quarantine, day=day).select(F.explode(FAILED_RULES).alias("rule"), key)
    return {row["rule"]: row["example"] for row in broken.groupBy("rule").agg(F.min(key).alias("example")).collect()}
