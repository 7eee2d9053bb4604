"""A contract as a great-expectations suite, run on a Spark frame in few jobs.

One job computes every aggregate that the suite needs and one more looks for repeated keys; only what failed is asked
again, for an example. great-expectations takes seconds to import, so it is imported when a suite is first built.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pyspark.sql import DataFrame

from creatorpool.contracts.model import Contract, RowRule, TableRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.row_rules import require_conditions
from creatorpool.contracts.schema import require_schema
from creatorpool.errors import ContractError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation

_ROWS_RULE = "expect_rows_to_satisfy"
_ROW_COUNTER = "(number of rows)"


def validate_table(df: DataFrame, contract: Contract, run_id: str, *, skip: Sequence[str] = ()) -> list[RuleResult]:
    """Check a whole table, or a day of it, against its contract.

    Rules on the table are checked always; rules on rows of severity `error` only where the contract stops on a broken
    row, since otherwise such rows are in quarantine.

    Parameters
    ----------
    df : DataFrame
        The contract's columns and no other. It is read twice, and once more if a rule is broken: persist it if dear.
    run_id : str
        Run that the results belong to.
    skip : sequence of str
        Names of rules not to check, such as `key_unique` after a deduplication.

    Returns
    -------
    list of RuleResult
        One a rule, in the contract's order. `enforce` turns broken ones into an error.

    Raises
    ------
    TableGuardError
        If the frame's columns are not the contract's.
    ContractError
        Naming file and line, if a rule cannot be run on this frame.
    """
    require_schema(df.schema, contract)
    rules = [rule for rule in checked_rules(contract) if rule.name not in skip]
    require_conditions(df, [rule for rule in rules if isinstance(rule, RowRule)], contract)
    expectations = {rule.name: expectation_of(rule, contract) for rule in rules}
    batch = _batch(df)
    found = _run(batch, [*expectations.values(), _row_counter()], "BOOLEAN_ONLY", contract)
    rows_checked = found[_ROW_COUNTER]["result"]["element_count"]
    broken = [expectations[name] for name in expectations if not found[name]["success"]]
    details = _run(batch, broken, "SUMMARY", contract) if broken else {}
    return [_result(rule, contract, run_id, rows_checked, details.get(rule.name)) for rule in rules]


def checked_rules(contract: Contract) -> list[RowRule | TableRule]:
    """Rules that `validate_table` checks: those on rows that nothing else acts on, then those on the table."""
    stops = contract.on_row_fault == "stop"
    return [rule for rule in contract.rules if stops or isinstance(rule, TableRule) or rule.severity == "warning"]


def prepare_checks() -> None:
    """Begin the slow import beside whatever else goes on: mostly waiting for an engine, which leaves Python idle."""
    threading.Thread(target=_great_expectations, name="import-great-expectations", daemon=True).start()


def build_suite(contract: Contract) -> ExpectationSuite:
    """The contract's suite, named as it; ContractError with file and line for an unknown expectation or argument."""
    gx = _great_expectations()
    expectations = [expectation_of(rule, contract) for rule in checked_rules(contract)]
    suite: ExpectationSuite = gx.ExpectationSuite(name=contract.name, expectations=expectations)
    return suite


def _great_expectations() -> Any:
    import great_expectations as gx

    from creatorpool.contracts import expectations  # noqa: F401 (its classes register themselves)

    return gx


def expectation_of(rule: RowRule | TableRule, contract: Contract) -> Expectation:
    """The expectation that a rule stands for; ContractError with file and line where it stands for none."""
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


def _row_counter() -> Expectation:
    from creatorpool.contracts.expectations import ExpectRowsToSatisfy

    return ExpectRowsToSatisfy(condition="true", meta={"rule": _ROW_COUNTER})


def _batch(df: DataFrame) -> Batch:
    context = quiet_context()
    # Persisting is the caller's choice: here it would cost a job of its own, and Sail has none.
    source = context.data_sources.add_spark(name="frame", persist=False)
    definition = source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    batch: Batch = definition.get_batch(batch_parameters={"dataframe": df})
    return batch


def quiet_context(root: Path | None = None) -> Any:
    """A great-expectations context that reports to no one and draws no progress bars; it stores under `root`."""
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
            raise ContractError(f"{contract.path}: rule '{name}' cannot be run: {message}")
    return found


def _exception(info: dict[str, Any]) -> str | None:
    """Message of an exception in a result's `exception_info`, which has one entry, or one a metric."""
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
    """Rows that failed and one of them; a rule on the whole table counts as one and shows what was observed."""
    examples = result.get("partial_unexpected_list") or []
    example = examples[0] if examples else result.get("observed_value")
    return int(result.get("unexpected_count", 1)), None if example is None else str(example)
