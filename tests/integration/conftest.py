"""Whole nights, run as by a scheduler: each script in its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.checkout import project_root
from tools.processes import fresh_environment

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
def job() -> Job:
    """Run a job script to its end: `job("allocate_pool.py", "--date", …)`."""

    def run(script: str, *arguments: object, engine: str = "embedded") -> subprocess.CompletedProcess[str]:
        settings = ["--set", "engine.shuffle_partitions=2", "--set", "engine.driver_memory=2g"]
        command = [sys.executable, str(project_root() / "jobs" / script), *map(str, arguments), *settings]
        environment = fresh_environment(PYSPARK_PYTHON=sys.executable)
        return subprocess.run(
            [*command, "--engine", engine], capture_output=True, text=True, env=environment, timeout=500, check=False
        )

    return run


@pytest.fixture(scope="session")
def undisturbed(raw_day: Path, job: Job, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of one undisturbed night on the engine under test."""
    root = tmp_path_factory.mktemp("undisturbed") / "tables"
    ended = job("allocate_pool.py", "--date", DAY, "--source", raw_day, "--root", root, engine=engine)
    assert ended.returncode == 0, ended.stderr
    return root
