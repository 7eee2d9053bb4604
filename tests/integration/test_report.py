"""jobs/report.py and jobs/creator_statements.py, run as a scheduler runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.integration.conftest import DAY, Job

from creatorpool.tables import Warehouse


@pytest.fixture(scope="module")
def root(undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a whole night's tables, for tests that add rows."""
    return Path(shutil.copytree(undisturbed, tmp_path_factory.mktemp("night") / "tables"))


@pytest.mark.once
def test_statements_job_writes_a_statement_for_every_creator(root: Path, job: Job, engine: str) -> None:
    payouts = {
        row["creator_id"]: row for row in Warehouse(None, root).read_arrow("creator_payouts", day=DAY).to_pylist()
    }
    creator = max(payouts, key=lambda name: (payouts[name]["total_micros"], name))

    ended = job("creator_statements.py", "--date", DAY, "--root", root, "--creator", creator, engine=engine)

    assert ended.returncode == 0, ended.stderr
    rows = {
        row["creator_id"]: row for row in Warehouse(None, root).read_arrow("creator_statements", day=DAY).to_pylist()
    }
    assert {name: row["total_micros"] for name, row in rows.items()} == {
        name: row["total_micros"] for name, row in payouts.items()
    }
    assert f"{len(payouts):,} statements of {DAY} are published" in ended.stdout
    assert rows[creator]["statement"] in ended.stdout
    assert "What changed: no earlier day is published" in ended.stdout


@pytest.mark.once
def test_report_job_writes_one_page_of_the_night(root: Path, job: Job, tmp_path: Path) -> None:
    ended = job("report.py", "--date", DAY, "--root", root, "--output", tmp_path / "deep" / "page.html")

    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "deep" / "page.html").read_text("utf-8")
    for row in Warehouse(None, root).read_arrow("allocation_runs", day=DAY).to_pylist():
        assert row["category"] in text
    assert "events: " in text  # the night has broken events in quarantine
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["page.html"]


@pytest.mark.once
def test_jobs_over_a_day_that_is_not_published_end_with_exit_code_2(root: Path, job: Job) -> None:
    for arguments, fault in (
        (("report.py", "--date", "2026-11-25"), "payouts of 2026-11-25 are not published"),
        (("creator_statements.py", "--date", "2026-11-19"), "payouts of 2026-11-19 are not published"),
        (("creator_statements.py", "--date", str(DAY), "--creator", "nobody"), "creator 'nobody' has no statement"),
    ):
        ended = job(*arguments, "--root", root)

        assert ended.returncode == 2, (arguments, ended.stderr)
        assert fault in ended.stderr
    assert not (root / "_reports" / "night-2026-11-25.html").exists()
