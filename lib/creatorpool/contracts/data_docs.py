"""Writes great-expectations' Data Docs: an HTML page for each contract of a run, in one folder, and an index of ours.

Building the pages needs no network. The index needs none either. Any other page that is open loads its styles from
public hosts, and works without them; its content security policy allows only those hosts. Every run builds the index
again from all kept results, so only the results of the last days are kept.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creatorpool.contracts.data_docs_index import checked_tables, write_index
from creatorpool.contracts.model import Contract, RowRule
from creatorpool.contracts.results import RuleResult
from creatorpool.contracts.suite import expectation_of, quiet_context
from creatorpool.quoting import in_html, quoted

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

STORED, PAGES = ("stored", "uncommitted", "validations"), ("validations",)
"""Folders of results and of pages; each has folders <table>/<run>/<time>"""

_HOSTS = (
    *("cdn.jsdelivr.net", "cdnjs.cloudflare.com", "code.jquery.com", "maxcdn.bootstrapcdn.com"),
    *("stackpath.bootstrapcdn.com", "unpkg.com"),
)
_FROM_HOSTS = " ".join(f"https://{host}" for host in _HOSTS)
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline' {_FROM_HOSTS}; script-src 'unsafe-inline' {_FROM_HOSTS}; "
    f"font-src {_FROM_HOSTS}; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the pages; it blocks the library's tracking image."""

_HEAD = "<head>"
_POLICY_TAG = f'{_HEAD}\n    <meta http-equiv="Content-Security-Policy" content="{POLICY}">'


@dataclass(frozen=True)
class CheckedRun:
    """A run whose checks are shown: its id, its day, and the time when it began, with a time zone."""

    run_id: str
    day: dt.date
    began: dt.datetime

    @property
    def name(self) -> str:
        """The run's name on the pages and in the names of folders."""
        return f"{self.day.isoformat()}_{self.run_id}"


def write_data_docs(
    results: Sequence[RuleResult],
    contracts: Mapping[str, Contract],
    folder: Path | str,
    run: CheckedRun,
    kept_days: int,
) -> Path:
    """Add pages with the results of a run to the site in `folder`, remove old pages, and return the site's index.

    Parameters
    ----------
    results : sequence of RuleResult
        Results of `run` for any number of tables; an existing page of the same run and table is replaced.
    contracts : mapping
        Contract of each table in `results`, by name.
    folder : path
        Folder of the site, which is made if missing; results are stored beside the pages, in `stored`.
    kept_days : int
        Number of days whose pages are kept: `run.day` and the days that were checked last.

    Returns
    -------
    Path
        The site's index.html.
    """
    site = Path(folder).resolve()
    _remove_old_runs(site, run.day, kept_days)
    context = quiet_context(site / STORED[0])
    context.add_data_docs_site("contracts", _site(site))
    tables = groupby(sorted(results, key=attrgetter("contract")), key=attrgetter("contract"))
    pages = [page for name, found in tables for page in _store(context, list(found), contracts[name], run)]
    context.build_data_docs(resource_identifiers=pages, build_index=False)
    for page in (*site.glob("expectations/*.html"), *site.glob(f"validations/*/{run.name}/*/*")):
        _restrict(page)
    return write_index(site, checked_tables(site, STORED, PAGES))


def _remove_old_runs(site: Path, day: dt.date, kept_days: int) -> None:
    """Remove results and pages except those of `day` and the days checked last, `kept_days` days in all."""
    checked: dict[str, str] = {}
    folders = list(_run_folders(site))
    for of, began, _ in folders:
        checked[of] = max(began, checked.get(of, ""))
    checked.pop(day.isoformat(), None)
    others = sorted(checked, key=lambda of: (checked[of], of), reverse=True)
    kept = {day.isoformat(), *others[: kept_days - 1]}
    for of, _, folder in folders:
        if of not in kept:
            # Another run may be removing the same folder.
            shutil.rmtree(folder, ignore_errors=True)


def _run_folders(site: Path) -> Iterator[tuple[str, str, Path]]:
    """Day, start time and folder of each run and table; a run whose name has no day gets the day of its start."""
    for part in (STORED, PAGES):
        for folder in site.joinpath(*part).glob("*/*"):
            began = max((time.name for time in folder.glob("*")), default="")
            dated = re.match(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_", folder.name)
            yield dated[1] if dated else f"{began[:4]}-{began[4:6]}-{began[6:8]}", began, folder


def _restrict(page: Path) -> None:
    """Insert the content security policy at the top of a page, before anything that the page loads."""
    text = page.read_text("utf-8")
    if _POLICY_TAG not in text:
        page.write_text(text.replace(_HEAD, _POLICY_TAG, 1), "utf-8")


def _site(folder: Path) -> Any:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
    }


def _store(
    context: AbstractDataContext, results: Sequence[RuleResult], contract: Contract, run: CheckedRun
) -> tuple[ExpectationSuiteIdentifier, ValidationResultIdentifier]:
    """Store the results of one table and their suite; return the identifiers of both, from which pages are built."""
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.data_context.types import resource_identifiers
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    outcomes = [_outcome(result, contract) for result in results]
    configurations = [outcome.expectation_config for outcome in outcomes if outcome.expectation_config]
    # Not by `context.suites`, which compares each expectation with each: seconds for the tables of a night.
    store = context.expectations_store
    suite = ExpectationSuite(name=contract.name, expectations=configurations)
    store.add_or_update(key=store.get_key(name=contract.name, id=None), value=suite)
    run_id = RunIdentifier(run_name=run.name, run_time=run.began)
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
    """The result as great-expectations stores it, with the expectation of the contract's rule."""
    from great_expectations.core import ExpectationValidationResult

    # A rule that no contract states, such as `<column>_readable`, has only a hint.
    stated = {rule.name: rule for rule in contract.rules}
    rule = stated.get(result.rule, RowRule(result.rule, "true", result.severity, result.hint))
    # The pages do not escape text, and an example may contain anything that a viewer's client sent.
    rule = dataclasses.replace(rule, hint=in_html(rule.hint))
    return ExpectationValidationResult(
        success=result.passed,
        expectation_config=expectation_of(rule, contract).configuration,
        result={
            "element_count": result.rows_checked,
            "unexpected_count": result.rows_failed,
            "unexpected_percent": 100 * result.rows_failed / max(1, result.rows_checked),
            "partial_unexpected_list": [] if result.example is None else [in_html(quoted(result.example))],
        },
    )
