"""Data Docs of a run: pages on disk, built without the network."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

from creatorpool.contracts.data_docs import write_data_docs
from creatorpool.contracts.results import RuleResult

from .sample_contract import sample_contract

NIGHT = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)


def test_write_data_docs_shows_rules_counts_and_examples_and_keeps_other_runs(tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    example = '{"worker":"<script>alert(1)</script>"}'
    results = [
        RuleResult("sample", "hours_in_range", "run-1", "error", False, 40, 10, example, "hours is at least 0."),
        RuleResult("sample", "not_empty", "run-1", "error", True, 40, 0, None, "Somebody works."),
        RuleResult("sample", "hours_readable", "run-1", "error", False, 40, 1, None, "hours is a BIGINT."),
    ]
    site = tmp_path / "site"
    index = write_data_docs(results, {"sample": contract}, site, NIGHT)
    later = [dataclasses.replace(result, run_id="run-2") for result in results]
    assert write_data_docs(later, {"sample": contract}, site, NIGHT + dt.timedelta(days=1)) == index

    pages = {path.parts[-3]: path.read_text() for path in site.glob("validations/sample/*/*/sample.html")}
    assert set(pages) == {"run-1", "run-2"}
    page = pages["run-1"]
    assert "hours_in_range: hours is at least 0 and at most 24 h." in page  # the contract's own words
    assert "hours_readable: hours is a BIGINT." in page  # a rule that the contract does not state
    assert "25% unexpected" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert {name for name in ("run-1", "run-2") if name in index.read_text()} == {"run-1", "run-2"}
