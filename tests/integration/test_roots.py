"""Nights under a root whose name must be encoded, and under a refused name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.conftest import DAY, Job
from tests.integration.day_tables import day_tables

NAME = "Müsik-日本 #1, 100% of a?b*c~d 'e'"


@pytest.mark.once  # tests/storage/test_places.py has such names on both engines
def test_night_under_a_name_that_must_be_encoded_stays_inside_its_root(
    undisturbed: Path, raw_day: Path, job: Job, engine: str, tmp_path: Path
) -> None:
    root = tmp_path / NAME / "tables"
    arguments = ("--date", DAY, "--root", root)

    ended = job("allocate_pool.py", *arguments, "--source", raw_day, engine=engine)

    assert ended.returncode == 0, ended.stderr
    assert day_tables(root) == day_tables(undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert [path.name for path in (tmp_path / NAME).iterdir()] == ["tables"]
    for script in ("creator_statements.py", "report.py"):
        ended = job(script, *arguments, engine=engine)
        assert ended.returncode == 0, ended.stderr
    ended = job("query.py", "SELECT count(*) AS n FROM creator_statements", "--root", root, engine=engine)
    assert ended.returncode == 0, ended.stderr
    assert (root / "_reports" / f"night-{DAY}.html").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.once
def test_night_under_a_name_that_libraries_misread_is_refused(raw_day: Path, job: Job, tmp_path: Path) -> None:
    ended = job("allocate_pool.py", "--date", DAY, "--root", tmp_path / "a%20b", "--source", raw_day)

    assert ended.returncode == 3
    assert "rename the folder" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
