"""great-expectations' Data Docs: a page of HTML for each contract of a run, and an index, in one folder.

Building needs no network. The pages take their styles from public hosts when opened, and are plain where there is none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creatorpool.contracts.model import Contract, RowRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.suite import expectation_of, quiet_context

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

INDEX_LIMIT = 500
"""Newest pages that the index lists; older ones stay where they are."""


def write_data_docs(
    results: Sequence[RuleResult], contracts: Mapping[str, Contract], folder: Path | str, run_time: dt.datetime
) -> Path:
    """Add the pages of a run's results to the site in `folder` and return its index.

    Parameters
    ----------
    results : sequence of RuleResult
        Results of one run on any number of tables; a page of the same run, time and table is replaced.
    contracts : mapping
        Contract of each table in `results`, by name.
    folder : path
        Where the site is, or will be; results are kept beside the pages, in `stored`.
    run_time : datetime
        When the run began, with a time zone; it names the run in the pages.

    Returns
    -------
    Path
        The site's index.html.
    """
    site = Path(folder).resolve()
    context = quiet_context(site / "stored")
    context.add_data_docs_site("contracts", _site(site))
    tables = groupby(sorted(results, key=attrgetter("contract")), key=attrgetter("contract"))
    pages = [page for name, found in tables for page in _store(context, list(found), contracts[name], run_time)]
    context.build_data_docs(resource_identifiers=pages)
    return site / "index.html"


def _site(folder: Path) -> Any:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "validation_results_limit": INDEX_LIMIT},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
    }


def _store(
    context: AbstractDataContext, results: Sequence[RuleResult], contract: Contract, run_time: dt.datetime
) -> tuple[ExpectationSuiteIdentifier, ValidationResultIdentifier]:
    """Keep the results on one table, with the suite that they are of; return what to make pages of."""
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.data_context.types import resource_identifiers
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    outcomes = [_outcome(result, contract) for result in results]
    configurations = [outcome.expectation_config for outcome in outcomes if outcome.expectation_config]
    context.suites.add_or_update(ExpectationSuite(name=contract.name, expectations=configurations))
    run_id = RunIdentifier(run_name=results[0].run_id, run_time=run_time)
    suite_id = resource_identifiers.ExpectationSuiteIdentifier(name=contract.name)
    result_id = resource_identifiers.ValidationResultIdentifier(
        batch_identifier=contract.name, expectation_suite_identifier=suite_id, run_id=run_id
    )
    context.validation_results_store.store_validation_results(
        suite_validation_result=ExpectationSuiteValidationResult(
            success=all(outcome.success for outcome in outcomes),
            results=outcomes,
            suite_name=contract.name,
            statistics=calc_validation_statistics(outcomes)._asdict(),
            meta={"run_id": run_id.to_json_dict(), "active_batch_definition": {"data_asset_name": contract.name}},
        ),
        suite_validation_result_identifier=result_id,
        expectation_suite_identifier=suite_id,
    )
    return suite_id, result_id


def _outcome(result: RuleResult, contract: Contract) -> ExpectationValidationResult:
    """The result in great-expectations' form, with the expectation that the contract's rule stands for."""
    from great_expectations.core import ExpectationValidationResult

    # A rule that no contract states, such as that a value can be read, is told by its hint alone.
    stated = {rule.name: rule for rule in contract.rules}
    rule = stated.get(result.rule, RowRule(result.rule, "true", result.severity, result.hint))
    # The pages take text as HTML, and an example may hold whatever a viewer's client sent.
    rule = dataclasses.replace(rule, hint=html.escape(rule.hint))
    return ExpectationValidationResult(
        success=result.passed,
        expectation_config=expectation_of(rule, contract).configuration,
        result={
            "element_count": result.rows_checked,
            "unexpected_count": result.rows_failed,
            "unexpected_percent": 100 * result.rows_failed / max(1, result.rows_checked),
            "partial_unexpected_list": [] if result.example is None else [html.escape(result.example, quote=False)],
        },
    )
