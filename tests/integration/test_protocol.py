"""The promises of the protocol of runs: runs are killed, stopped, or run at once, at any point of their work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import Job
from tests.integration.day_tables import day_tables
from tests.integration.kill_battery import FIRST, SECOND
from tests.tolerant import TOLERANT
from tools.processes import fresh_environment

from creatorpool.runs.claims import EVERY_DAY, release_claim
from creatorpool.runs.ledger import unfinished_runs
from creatorpool.storage.places import Place
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

BATTERY = project_root() / "tests" / "integration" / "kill_battery.py"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for day in (FIRST, SECOND):
        generate_day(folder / day.isoformat(), day, SyntheticMarket(seed=7, n_events=1_500))
    generate_day(folder / f"{FIRST.isoformat()}-corrected", FIRST, SyntheticMarket(seed=9, n_events=1_400))
    return folder


def battery(raw: Path, root: Path, engine: str, kills: int, seed: int) -> dict:
    ended = subprocess.run(
        [sys.executable, str(BATTERY), str(raw), str(root), engine, str(kills), str(seed)],
        capture_output=True, text=True, check=False, env=fresh_environment(PYTHONPATH=str(project_root())),
    )  # fmt: skip
    outcome: dict = json.loads(ended.stdout.splitlines()[-1])
    assert outcome["failed"] is None, f"{outcome}\n{ended.stderr[-6000:]}"
    return outcome


@pytest.fixture(scope="module")
def calm(raw: Path, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the same commands without kills."""
    root = tmp_path_factory.mktemp("calm") / "tables"
    battery(raw, root, engine, 0, 0)
    return root


def require_same(root: Path, calm: Path) -> None:
    assert unfinished_runs(Warehouse(None, root)) == []
    assert day_tables(root) == day_tables(calm)


@pytest.mark.timeout(1200)
@pytest.mark.once
def test_commands_killed_at_their_writes_end_in_the_same_tables(
    raw: Path, calm: Path, engine: str, tmp_path: Path
) -> None:
    outcome = battery(raw, tmp_path / "tables", engine, 32, 5)

    assert len(outcome["killed"]) >= 14
    require_same(tmp_path / "tables", calm)


@pytest.mark.once
@pytest.mark.timeout(600)
def test_night_that_is_stopped_during_a_takeover_writes_nothing(
    raw: Path, job: Job, engine: str, tmp_path: Path
) -> None:
    root, undisturbed = tmp_path / "tables", tmp_path / "undisturbed"
    night = ("allocate_pool.py", "--date", FIRST, "--source", raw / FIRST.isoformat())
    assert job(*night, "--root", undisturbed).returncode == 0
    script = project_root() / "tests" / "integration" / "stopped_night.py"
    stopped = subprocess.Popen(
        [sys.executable, str(script), str(raw / FIRST.isoformat()), str(root), FIRST.isoformat(), engine],
        stderr=subprocess.PIPE, text=True, env=fresh_environment(PYTHONPATH=str(project_root())),
    )  # fmt: skip
    os.waitpid(stopped.pid, os.WUNTRACED)

    refused = job(*night, "--root", root)
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert "ingest of every day is held by run" in refused.stderr, "a process that lives here is not taken over"

    release_claim(Warehouse(None, root), "ingest", EVERY_DAY, "the machine was paused")
    taken_over = job(*night, "--root", root)
    assert taken_over.returncode == 0, taken_over.stderr
    os.kill(stopped.pid, signal.SIGCONT)
    message = stopped.communicate(timeout=120)[1]

    assert stopped.returncode == 1
    assert "outlived its lease and another run took over its claim" in message
    assert "Traceback" not in message
    require_same(root, undisturbed)


@pytest.mark.prove
@pytest.mark.engine
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [1, 2])
def test_battery_of_kills_ends_in_the_same_tables(
    raw: Path, calm: Path, engine: str, tmp_path: Path, seed: int
) -> None:
    outcome = battery(raw, tmp_path / "tables", engine, 140, seed)

    assert len(outcome["killed"]) >= 90
    require_same(tmp_path / "tables", calm)


@pytest.mark.prove
@pytest.mark.engine
@pytest.mark.timeout(3600)
def test_runs_at_once_end_in_one_result_and_refusals(raw: Path, engine: str, tmp_path: Path) -> None:
    """Four runs of one day, two backfills of both days, and both days at once; refused runs are repeated."""
    root = tmp_path / "tables"
    until_done([backfill(raw)], root / "alone", engine)
    until_done([night(raw, FIRST)] * 4, root / "four", engine)
    until_done([night(raw, SECOND)], root / "four", engine)
    until_done([backfill(raw)] * 2, root / "backfills", engine)
    for name in ("four", "backfills"):
        assert day_tables(root / name) == day_tables(root / "alone"), name

    # Late events count for a day only if they arrive before it is paid. Without any, the order of days has no effect.
    for day in (FIRST, SECOND):
        generate_day(tmp_path / day.isoformat(), day, SyntheticMarket(seed=7, n_events=1_500, dirty_share=0.0))
    until_done([backfill(tmp_path)], root / "clean", engine)
    until_done([night(tmp_path, FIRST), night(tmp_path, SECOND)], root / "days", engine)
    assert day_tables(root / "days") == day_tables(root / "clean")


def night(raw: Place, day: date) -> list[str]:
    return ["run", "--date", day.isoformat(), "--source", str(raw / day.isoformat()), "--set", TOLERANT]


def backfill(raw: Place) -> list[str]:
    return ["backfill", "--from", str(FIRST), "--to", str(SECOND), "--source", str(raw / "{date}"), "--set", TOLERANT]


def until_done(commands: list[list[str]], root: Place, engine: str) -> None:
    """Start all commands at once, and repeat those that another run excluded, until each has succeeded."""
    waiting = commands
    for _ in range(6):
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "creatorpool.cli", *command, "--root", str(root), "--engine", engine],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=fresh_environment(),
            )
            for command in waiting
        ]  # fmt: skip
        messages = [process.communicate(timeout=900)[1] for process in started]
        for process, message in zip(started, messages, strict=True):
            assert process.returncode in (0, 1), message
            assert "Traceback" not in message, message
            assert process.returncode == 0 or "is held by run" in message, message
        assert any(process.returncode == 0 for process in started), messages
        waiting = [command for command, process in zip(waiting, started, strict=True) if process.returncode]
        if not waiting:
            return
    pytest.fail(f"never got through: {waiting}")
