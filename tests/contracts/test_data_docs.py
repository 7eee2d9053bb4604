"""Data Docs of a run: pages on disk of the last days, built without the network."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from pathlib import Path

import pytest
from tests.hostile_names import ALLOWED, UNPRINTABLE, Structure

from creatorpool.contracts.data_docs import POLICY, CheckedRun, write_data_docs
from creatorpool.contracts.results import RuleResult
from creatorpool.html_page import POLICY as POLICY_OF_PAGES
from creatorpool.quoting import one_line, quoted

from .sample_contract import sample_contract

NIGHT = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 20)


def broken(example: str | None, run_id: str = "run-1") -> list[RuleResult]:
    return [RuleResult("sample", "hours_in_range", run_id, "error", False, 40, 10, example, "hours is at least 0.")]


def runs_shown(site: Path) -> set[str]:
    """Runs that have pages; the stored runs and the runs in the index are the same."""
    pages = {path.parts[-3] for path in site.glob("validations/sample/*/*/sample.html")}
    assert pages == {path.parts[-3] for path in site.glob("stored/uncommitted/validations/sample/*/*/sample.json")}
    assert pages == set(re.findall(r"validations/sample/([^/]+)/", (site / "index.html").read_text()))
    return pages


def test_write_data_docs_shows_rules_counts_and_examples_and_keeps_other_runs(tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    example = '{"worker":"<script>alert(1)</script>"}'
    results = [
        RuleResult("sample", "hours_in_range", "run-1", "error", False, 40, 10, example, "hours is at least 0."),
        RuleResult("sample", "not_empty", "run-1", "error", True, 40, 0, None, "Somebody works."),
        RuleResult("sample", "hours_readable", "run-1", "error", False, 40, 1, None, "hours is a BIGINT."),
    ]
    site = tmp_path / "site"
    index = write_data_docs(results, {"sample": contract}, site, CheckedRun("run-1", DAY, NIGHT), 7)
    later = [dataclasses.replace(result, run_id="run-2") for result in results]
    again = CheckedRun("run-2", DAY, NIGHT + dt.timedelta(days=1))
    assert write_data_docs(later, {"sample": contract}, site, again, 7) == index

    pages = {path.parts[-3]: path.read_text() for path in site.glob("validations/sample/*/*/sample.html")}
    assert set(pages) == {"2026-11-20_run-1", "2026-11-20_run-2"} == runs_shown(site)
    page = pages["2026-11-20_run-1"]
    assert "hours_in_range: hours is at least 0 and at most 24 h." in page  # from the contract
    assert "hours_readable: hours is a BIGINT." in page  # a rule that the contract does not state
    assert "25% unexpected" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_of_the_last_checked_days_are_kept(tmp_path: Path) -> None:
    contract, site = sample_contract(tmp_path), tmp_path / "site"

    def checked(day: int, hour: int) -> str:
        run = CheckedRun(f"run-{hour}", dt.date(2026, 11, day), NIGHT + dt.timedelta(hours=hour))
        write_data_docs(broken(None), {"sample": contract}, site, run, 2)
        return run.name

    first, second, again = checked(20, 1), checked(21, 2), checked(20, 3)
    assert runs_shown(site) == {first, second, again}  # three runs of two days
    backfilled = checked(2, 4)
    assert runs_shown(site) == {first, again, backfilled}
    newest = checked(22, 5)
    assert runs_shown(site) == {backfilled, newest}


def test_pages_of_runs_without_a_day_in_the_name_count_by_their_time(tmp_path: Path) -> None:
    contract, site = sample_contract(tmp_path), tmp_path / "site"
    write_data_docs(broken(None), {"sample": contract}, site, CheckedRun("run-1", DAY, NIGHT), 1)
    for folder in (*site.glob("validations/sample/*"), *site.glob("stored/uncommitted/validations/sample/*")):
        folder.rename(folder.with_name("run-1"))

    later = CheckedRun("run-2", DAY, NIGHT + dt.timedelta(days=1))
    write_data_docs(broken(None), {"sample": contract}, site, later, 1)

    assert runs_shown(site) == {later.name}


@pytest.mark.parametrize("name", ["".join(ALLOWED[:20]), "".join(UNPRINTABLE), ALLOWED[-3]])
def test_example_is_short_text_and_no_markup(tmp_path: Path, name: str) -> None:
    contract, site = sample_contract(tmp_path), tmp_path / "site"

    def page(example: str) -> str:
        write_data_docs(broken(example), {"sample": contract}, site, CheckedRun("run-1", DAY, NIGHT), 1)
        (path,) = site.glob("validations/sample/*/*/sample.html")
        return path.read_text("utf-8")

    text = page(name)

    assert Structure(text).elements == Structure(page("plain")).elements
    assert quoted(name)[:150] in html.unescape(text)
    assert one_line(name) == quoted(name) or one_line(name) not in html.unescape(text)


def test_pages_have_a_policy_that_allows_what_they_load(tmp_path: Path) -> None:
    contract, site = sample_contract(tmp_path), tmp_path / "site"
    for _ in range(2):
        write_data_docs(broken("x"), {"sample": contract}, site, CheckedRun("run-1", DAY, NIGHT), 1)

    pages = [page.read_text("utf-8") for page in site.rglob("*/*.html")]
    assert len(pages) == 2  # contract, run
    for text in pages:
        assert text.count("Content-Security-Policy") == 1
        assert text.index(POLICY) < text.index("<link")
        loaded = re.findall(r'<(?:script[^>]* src|link rel="stylesheet"[^>]* href)="https://([^/"]+)/', text)
        assert loaded
        assert all(f"https://{host} " in POLICY.replace(";", " ") for host in loaded)


def test_index_needs_no_network_and_names_broken_tables_of_each_day(tmp_path: Path) -> None:
    contract, site = sample_contract(tmp_path), tmp_path / "site"
    write_data_docs(broken("x"), {"sample": contract}, site, CheckedRun("run-1", DAY, NIGHT), 7)
    kept = [dataclasses.replace(result, passed=True, rows_failed=0) for result in broken(None, "run-2")]
    later = CheckedRun("run-2", DAY + dt.timedelta(days=1), NIGHT + dt.timedelta(days=1))
    index = write_data_docs(kept, {"sample": contract}, site, later, 7)

    text = index.read_text("utf-8")
    assert POLICY_OF_PAGES in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert re.findall("<h2>(.*?)</h2>", text) == [
        "2026-11-21: no rule is broken",
        "2026-11-20: 1 of 1 with broken rules",
        "Contracts",
    ]
    links = re.findall('href="([^"]+)"', text)
    assert len(links) == 3
    assert all((site / link).is_file() for link in links)
