"""Counts what `with_failed_rules` found, rule by rule, in one job."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.model import Contract, RowRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW, row_as_json


def row_rule_results(
    flagged: DataFrame, contract: Contract, run_id: str, extra_rules: Sequence[RowRule] = ()
) -> list[RuleResult]:
    """One result a row rule: how many rows of `with_failed_rules` break it, and the first of them by its key, as JSON.

    A frame from `conform` also has a result for each column's readability. Broken rules of severity `error` have put
    their rows into quarantine; these results record it.
    """
    rules = [*_readability(flagged, contract), *contract.row_rules, *extra_rules]
    key = row_as_json(flagged, contract.key)
    is_broken = [F.array_contains(FAILED_RULES, rule.name) for rule in rules]
    counts = [F.count(F.when(broken, True)) for broken in is_broken]
    examples = [F.min(F.when(broken, key)) for broken in is_broken]
    found = flagged.agg(F.count(F.lit(1)), *counts, *examples).collect()[0]
    rows_checked, rows_failed, shown = found[0], found[1 : len(rules) + 1], found[len(rules) + 1 :]
    return [
        RuleResult(
            contract=contract.name,
            rule=rule.name,
            run_id=run_id,
            severity=rule.severity,
            passed=failed == 0,
            rows_checked=rows_checked,
            rows_failed=failed,
            example=example,
            hint=rule.hint,
        )
        for rule, failed, example in zip(rules, rows_failed, shown, strict=True)
    ]


def _readability(flagged: DataFrame, contract: Contract) -> list[RowRule]:
    if RAW_ROW not in flagged.columns:
        return []
    return [
        RowRule(f"{column.name}_readable", "true", "error", f"{column.name} is a {column.type}, or blank for none.")
        for column in contract.columns
    ]
