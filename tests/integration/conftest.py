"""Whole nights, run as by a scheduler: each script in its own process."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.integration.jobs import Jobs, running_jobs
from tools.object_store import ObjectStore, object_store, server_program

from creatorpool.storage.clients import filesystem
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day

DAY = date(2026, 11, 20)
BEFORE = DAY - timedelta(days=1)
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


@pytest.fixture(scope="module")
def store(raw_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A running server with the logs of two days below ``raw``; the environment names it."""
    if server_program() is None:
        pytest.skip("versitygw is not here: tools/setup_object_store.sh builds it, if Go can be had")
    with object_store(tmp_path_factory.mktemp("store") / "buckets") as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        filesystem.cache_clear()  # it may be of another module's server, which has ended
        shutil.copytree(raw_day, server.bucket / "raw" / DAY.isoformat())
        generate_day(server.bucket / "raw" / f"{BEFORE}", BEFORE, SyntheticMarket(seed=7, n_events=1_500))
        generate_day(server.bucket / "raw" / f"{DAY}-corrected", DAY, SyntheticMarket(seed=9, n_events=2_900))
        yield server
