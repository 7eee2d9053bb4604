"""Builds a great-expectations suite from a contract, and runs it on a Spark frame in few jobs.

The library needs some milliseconds for each expectation, and a night checks some hundred rules. So the first look has
one condition for all rules on rows of a table, and on Spark one job for all aggregates and the keys. Only rules that
may be broken run one by one, to count and to get an example. Importing great-expectations takes seconds, so it is
imported when a suite is first built.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pyspark.sql import DataFrame

from creatorpool.contracts.model import Contract, RowRule, TableRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.row_rules import require_conditions
from creatorpool.contracts.schema import require_schema
from creatorpool.errors import ContractError
from creatorpool.expressions import reason

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation

_ROWS_RULE = "expect_rows_to_satisfy"
_KEY_RULE, _HASHES_RULE = "expect_key_to_be_unique", "expect_key_hashes_to_differ"
_ROWS = "(rows)"
"""Name of the rule that stands for all rules on rows"""


def validate_table(
    df: DataFrame, contract: Contract, run_id: str, *, skip: Sequence[str] = (), one_job: bool = False
) -> list[RuleResult]:
    """Check a table, or a day of it, against its contract.

    Rules on the table are always checked. Rules on rows of severity `error` are checked only if the contract stops the
    run at a broken row; otherwise such rows are in quarantine.

    Parameters
    ----------
    df : DataFrame
        The contract's columns and no others. It is computed twice, with `one_job` once, and again if a rule is
        broken: persist it if computing it is expensive.
    run_id : str
        Run that the results belong to.
    skip : sequence of str
        Names of rules not to check, such as `key_unique` after a deduplication.
    one_job : bool
        Whether repeated keys are looked for in the job of the other rules, by a distinct count. Jobs of small tables
        cost Spark half a second each; the embedded engine cannot spill such a count.

    Returns
    -------
    list of RuleResult
        One result per rule, in the contract's order. `enforce` raises an error for broken rules.

    Raises
    ------
    TableGuardError
        If the frame's columns differ from the contract.
    ContractError
        If a rule cannot be run on this frame; the message names file and line.
    """
    require_schema(df.schema, contract)
    rules = [rule for rule in checked_rules(contract) if rule.name not in skip]
    require_conditions(df, [rule for rule in rules if isinstance(rule, RowRule)], contract)
    batch = _batch(df)
    rows_checked, suspected = _suspected_rules(batch, rules, contract, one_job=one_job)
    expectations = [expectation_of(rule, contract) for rule in suspected]
    found = _run(batch, expectations, "SUMMARY", contract) if suspected else {}
    broken = {name: result for name, result in found.items() if not result["success"]}
    return [_result(rule, contract, run_id, rows_checked, broken.get(rule.name)) for rule in rules]


def _suspected_rules(
    batch: Batch, rules: Sequence[RowRule | TableRule], contract: Contract, *, one_job: bool
) -> tuple[int, list[RowRule | TableRule]]:
    """The number of rows, and the rules that may be broken; `one_job` is as above."""
    on_table = [rule for rule in rules if not isinstance(rule, RowRule)]
    if one_job:
        on_table = [replace(r, expectation=_HASHES_RULE) if r.expectation == _KEY_RULE else r for r in on_table]
    looks: list[RowRule | TableRule] = [_on_all_rows([rule for rule in rules if isinstance(rule, RowRule)]), *on_table]
    try:
        found = _run(batch, [expectation_of(rule, contract) for rule in looks], "BOOLEAN_ONLY", contract)
    except ContractError:
        # One by one, the error names the rule.
        _run(batch, [expectation_of(rule, contract) for rule in rules], "BOOLEAN_ONLY", contract)
        raise
    suspected = {rule.name for rule in looks if not found[rule.name]["success"]}
    return found[_ROWS]["result"]["element_count"], [
        rule for rule in rules if rule.name in suspected or (isinstance(rule, RowRule) and _ROWS in suspected)
    ]


def checked_rules(contract: Contract) -> list[RowRule | TableRule]:
    """Rules that `validate_table` checks: rules on rows that ingestion does not enforce, then rules on the table."""
    stops = contract.on_row_fault == "stop"
    return [rule for rule in contract.rules if stops or isinstance(rule, TableRule) or rule.severity == "warning"]


def prepare_checks() -> None:
    """Start the slow import in another thread, because this process often waits for an engine in the meantime."""
    threading.Thread(target=_great_expectations, name="import-great-expectations", daemon=True).start()


def build_suite(contract: Contract) -> ExpectationSuite:
    """The suite of the contract, with its name; ContractError, with file and line, if an expectation is not usable."""
    gx = _great_expectations()
    expectations = [expectation_of(rule, contract) for rule in checked_rules(contract)]
    suite: ExpectationSuite = gx.ExpectationSuite(name=contract.name, expectations=expectations)
    return suite


def _great_expectations() -> Any:
    import great_expectations as gx

    from creatorpool.contracts import expectations  # noqa: F401 (its classes register themselves)

    return gx


def expectation_of(rule: RowRule | TableRule, contract: Contract) -> Expectation:
    """The expectation for a rule; ContractError, with file and line, if the expectation or an argument is unknown."""
    _great_expectations()
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl

    arguments: dict[str, Any]
    if isinstance(rule, RowRule):
        kind, arguments = _ROWS_RULE, {"condition": rule.expression, "key": list(contract.key)}
    else:
        kind, arguments = rule.expectation, dict(rule.arguments)
    try:
        return get_expectation_impl(kind)(
            **arguments,
            description=f"{rule.name}: {rule.hint}",
            severity=FailureSeverity.CRITICAL if rule.severity == "error" else FailureSeverity.WARNING,
            meta={"rule": rule.name},
        )
    except (ExpectationNotFoundError, ValueError) as error:
        place = f"{contract.path}:{rule.line}"
        raise ContractError(f"{place}: rule '{rule.name}' ({kind}, {arguments}): {error}") from error


def _on_all_rows(rules: Sequence[RowRule]) -> RowRule:
    """The rule that a row satisfies all of `rules`, each of which is a condition; true of any row if there is none."""
    # The line ends a comment that a condition may end with.
    every = " AND ".join(["true", *(f"({rule.expression}\n)" for rule in rules)])
    return RowRule(_ROWS, every, "error", "Each row must satisfy every rule.")


def _batch(df: DataFrame) -> Batch:
    context = quiet_context()
    # The caller decides whether to persist: here it would cost a job of its own, and Sail cannot persist.
    source = context.data_sources.add_spark(name="frame", persist=False)
    definition = source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    batch: Batch = definition.get_batch(batch_parameters={"dataframe": df})
    return batch


def quiet_context(root: Path | None = None) -> Any:
    """A great-expectations context without telemetry and progress bars; it stores under `root`, else in memory."""
    gx = _great_expectations()
    from great_expectations.data_context.types import base

    defaults = base.InMemoryStoreBackendDefaults() if root is None else base.FilesystemStoreBackendDefaults(root)
    config = base.DataContextConfig(
        store_backend_defaults=defaults,
        data_docs_sites={},
        analytics_enabled=False,
        progress_bars=base.ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _run(
    batch: Batch,
    expectations: list[Expectation],
    result_format: Literal["BOOLEAN_ONLY", "SUMMARY"],
    contract: Contract,
) -> dict[str, Any]:
    """Results by rule name, as plain data."""
    suite = _great_expectations().ExpectationSuite(name=contract.name, expectations=expectations)
    results = batch.validate(suite, result_format=result_format).results
    found = {str(result.expectation_config.meta["rule"]): result.to_json_dict() for result in results}
    for name, result in found.items():
        message = _exception(result["exception_info"])
        if message:
            raise _unrunnable(name, contract, message)
    return found


def _unrunnable(name: str, contract: Contract, message: str) -> ContractError:
    rule = next((rule for rule in contract.rules if rule.name == name), None)
    if rule is None:
        return ContractError(f"{contract.path}: the rules on rows cannot be run together: {message}")
    expression = rule.expression if isinstance(rule, RowRule) else str(rule.arguments.get("condition", ""))
    place = f"{contract.path}:{rule.line}" if rule.line else str(contract.path)
    why = reason(message, expression, contract.column_names)
    return ContractError(f"{place}: rule '{name}' cannot be run: {why}")


def _exception(info: dict[str, Any]) -> str | None:
    """Message of an exception in a result's `exception_info`, which has one entry, or one entry per metric; or None."""
    entries = [info] if "raised_exception" in info else list(info.values())
    messages = [entry["exception_message"] for entry in entries if entry["raised_exception"]]
    return str(messages[0]).strip().splitlines()[0] if messages else None


def _result(
    rule: RowRule | TableRule, contract: Contract, run_id: str, rows_checked: int, detail: dict[str, Any] | None
) -> RuleResult:
    rows_failed, example = (0, None) if detail is None else _finding(detail["result"])
    return RuleResult(
        contract=contract.name,
        rule=rule.name,
        run_id=run_id,
        severity=rule.severity,
        passed=detail is None,
        rows_checked=rows_checked,
        rows_failed=rows_failed,
        example=example,
        hint=rule.hint,
    )


def _finding(result: dict[str, Any]) -> tuple[int, str | None]:
    """Number of failed rows and an example; for a rule on the whole table, 1 and the observed value."""
    examples = result.get("partial_unexpected_list") or []
    example = examples[0] if examples else result.get("observed_value")
    return int(result.get("unexpected_count", 1)), None if example is None else str(example)
