"""Whole nights, run as by a scheduler: each script in its own process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from tests.integration.jobs import Jobs, running_jobs

from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day

DAY = date(2026, 11, 20)
Job = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def raw_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic day in the native layout, with every kind of broken row."""
    folder = tmp_path_factory.mktemp("raw") / "day"
    generate_day(folder, DAY, SyntheticMarket(seed=7, n_events=3_000))
    return folder


@pytest.fixture(scope="session")
def jobs() -> Iterator[Jobs]:
    """The processes of job scripts and verbs, which share their slow start."""
    with running_jobs() as jobs:
        yield jobs


@pytest.fixture(scope="session")
def job(jobs: Jobs) -> Job:
    """Run a job script to its end in a process of its own: `job("allocate_pool.py", "--date", …)`."""
    return jobs.run


@pytest.fixture(scope="session")
def undisturbed(raw_day: Path, job: Job, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of one undisturbed night on the engine under test."""
    root = tmp_path_factory.mktemp("undisturbed") / "tables"
    ended = job("allocate_pool.py", "--date", DAY, "--source", raw_day, "--root", root, engine=engine)
    assert ended.returncode == 0, ended.stderr
    return root
