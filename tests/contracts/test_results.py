"""Results of checks as rows of `contract_results`, and as an error."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from creatorpool.contracts import load_contract
from creatorpool.contracts.results import RuleResult, enforce, result_rows
from creatorpool.errors import ContractViolationError

PASSED = RuleResult("events", "key_unique", "r1", "error", True, 5, 0, None, "Two rows share the key.")
RARE = RuleResult("events", "usual", "r1", "warning", False, 5, 2, "x", "Rare.")
BROKEN = RuleResult(
    "events", "watch_ms_in_range", "r1", "error", False, 5000, 1200, '{"watch_ms":-5}', "Negative time."
)
EMPTY = RuleResult("videos", "not_empty", "r1", "error", False, 0, 1, "0", "Nothing can be paid.")


def test_result_rows_have_the_contracts_columns() -> None:
    (row,) = result_rows([BROKEN], dt.date(2026, 11, 20))
    assert tuple(row) == load_contract("contract_results").column_names
    assert row["date"] == dt.date(2026, 11, 20)
    assert (row["rows_checked"], row["rows_failed"], row["passed"]) == (5000, 1200, False)


def test_enforce_of_passed_rules_and_warnings_is_silent() -> None:
    enforce([PASSED, RARE])


def test_enforce_names_table_rule_count_example_and_hint_of_each_broken_error() -> None:
    message = (
        "events: rule 'watch_ms_in_range' is broken by 1,200 of 5,000 rows, "
        'for example {"watch_ms":-5} (Negative time.); '
        "videos: rule 'not_empty' is broken by 1 of 0 rows, for example 0 (Nothing can be paid.)"
    )
    with pytest.raises(ContractViolationError, match=f"^{re.escape(message)}$"):
        enforce([PASSED, RARE, BROKEN, EMPTY])
