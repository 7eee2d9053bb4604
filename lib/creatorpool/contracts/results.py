"""Results of rules in a run, and the rows of table `contract_results` that store them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from creatorpool.contracts.model import Severity
from creatorpool.errors import ContractViolationError
from creatorpool.quoting import quoted


@dataclass(frozen=True)
class RuleResult:
    """Result of one rule in one run. `rows_failed` is 1 for a broken rule on the whole table; `example` may be JSON."""

    contract: str
    rule: str
    run_id: str
    severity: Severity
    passed: bool
    rows_checked: int
    rows_failed: int
    example: str | None
    hint: str


def result_rows(results: Iterable[RuleResult], day: dt.date) -> list[dict[str, Any]]:
    """Rows of table `contract_results` for the checked `day`."""
    return [
        {
            "date": day,
            "contract": result.contract,
            "rule": result.rule,
            "run_id": result.run_id,
            "severity": result.severity,
            "passed": result.passed,
            "rows_checked": result.rows_checked,
            "rows_failed": result.rows_failed,
            "example": result.example,
        }
        for result in results
    ]


def enforce(results: Iterable[RuleResult]) -> None:
    """Raise ContractViolationError if rules of severity `error` are broken; for each: table, count, example, hint."""
    broken = [result for result in results if not result.passed and result.severity == "error"]
    if broken:
        raise ContractViolationError("; ".join(_sentence(result) for result in broken))


def _sentence(result: RuleResult) -> str:
    return (
        f"{result.contract}: rule '{result.rule}' is broken by {result.rows_failed:,} of {result.rows_checked:,} rows, "
        f"for example {quoted(result.example)} ({result.hint})"
    )
