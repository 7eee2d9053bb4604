"""The demo as new users run it, and the queries that it proposes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from tests.integration.conftest import Job

from creatorpool.report.demo import QUERIES

pytestmark = pytest.mark.timeout(600)


@pytest.mark.once
def test_demo_ends_with_payouts_and_queries_that_run(job: Job, engine: str, tmp_path: Path) -> None:
    # On Spark each job costs Spark's start; the jobs that are left out have their own tests there.
    alone = () if engine == "embedded" else ("--alone", "--set", "contracts.data_docs=false")
    shown = job("demo.py", "--root", tmp_path, "--events", 6_000, *alone, engine=engine)

    assert shown.returncode == 0, shown.stderr
    for expected in ("Made up a day", "Pools", "Coverage:", "Top creators", "Side by side", "educational, small"):
        assert expected in shown.stdout
    page = re.search(r"Report: (\S+\.html)", shown.stdout)
    assert page is not None
    assert Path(page[1]).is_file()
    night = re.search(r"Report: (\S+night-2026-11-30\.html)", shown.stdout)
    assert night is not None
    # The demo pays the day before first, so that the page can show changes.
    assert ("What moved money between videos" in Path(night[1]).read_text("utf-8")) == (not alone)
    assert ("statements of 2026-11-30 are published" in shown.stdout) == (not alone)
    # The first day is corrected and the month is closed; each payee is told why it is paid or not.
    held = re.search(r"holds the money of (creator-\d+), who pays for them", shown.stdout)
    assert (held is not None) == (not alone)
    for expected in ("restated without them", "2026-11 is closed", "on hold", "below threshold", "sum to 0.00"):
        assert (expected in shown.stdout) == (not alone), expected
    if held:
        assert re.search(rf"{held[1]} .* on hold ", shown.stdout)
    for _, query in QUERIES:
        assert query in shown.stdout
    # The result of this query is known: every pool closes.
    closing = next(query for about, query in QUERIES if "close" in about)
    ended = job("query.py", "--root", tmp_path / "tables", closing, "--format", "csv", engine=engine)
    assert ended.returncode == 0, ended.stderr
    _, *pools = csv.reader(ended.stdout.splitlines())
    assert len(pools) >= 5
    assert {row[-1] for row in pools} == {"0"}


@pytest.mark.once
def test_demo_proposes_only_queries_that_run(undisturbed: Path, job: Job) -> None:
    for about, query in QUERIES:
        ended = job("query.py", "--root", undisturbed, query)
        assert ended.returncode == 0, (about, ended.stderr)
        assert "only showing" not in ended.stdout
        assert ended.stdout.count("\n|") > 1, about


@pytest.mark.once
def test_demo_on_real_logs_pays_their_pool(kuairand: Path, job: Job, tmp_path: Path) -> None:
    shown = job("demo.py", "--root", tmp_path, "--data", kuairand, "--alone")

    assert shown.returncode == 0, shown.stderr
    for expected in ("Real logs", "Pools", "Coverage:", "Top creators"):
        assert expected in shown.stdout
