"""The evaluation of two configurations, run as a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY, Job


@pytest.mark.once
def test_evaluate_quality_prints_both_configurations_and_writes_nothing(undisturbed: Path, job: Job, engine: str):
    before = sorted(undisturbed.rglob("*"))
    recommended = project_root() / "conf" / "recommended.yaml"
    ended = job(
        *("evaluate_quality.py", "--date", DAY, "--root", undisturbed, "--conf", recommended),
        *("--min-viewers", 3, "--draws", 20),
        engine=engine,
    )
    assert ended.returncode == 0, ended.stderr
    for words in ("smoothing", "empirical_bayes", "none", "difference", "coverage", "reliability", "prediction"):
        assert words in ended.stdout
    assert sorted(undisturbed.rglob("*")) == before


@pytest.mark.slow
def test_evaluate_quality_of_unpublished_day_ends_with_bad_input(tmp_path: Path, job: Job):
    ended = job("evaluate_quality.py", "--date", DAY, "--root", tmp_path, "--without", "rewatch")
    assert ended.returncode == 2
    assert f"events of {DAY} are not published" in ended.stderr


def test_evaluate_quality_of_no_days_ends_with_bad_input(tmp_path: Path, job: Job):
    ended = job("evaluate_quality.py", "--date", DAY, "--root", tmp_path, "--days", 0)
    assert ended.returncode == 2
    assert "Invalid value for '--days': Input should be greater than or equal to 1" in ended.stderr


def test_evaluate_quality_against_missing_overlay_ends_with_bad_configuration(tmp_path: Path, job: Job):
    ended = job("evaluate_quality.py", "--date", DAY, "--root", tmp_path, "--against", tmp_path / "none.yaml")
    assert ended.returncode == 3
    assert "none.yaml" in ended.stderr
