"""What the protocol of the runs promises when runs are killed, stopped, or run at once, whatever they were doing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.day_tables import day_tables
from tests.integration.kill_battery import FIRST, SECOND
from tools.processes import fresh_environment

from creatorpool.runs.ledger import unfinished_runs
from creatorpool.settings import project_root
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

BATTERY = project_root() / "tests" / "integration" / "kill_battery.py"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for day in (FIRST, SECOND):
        generate_day(folder / day.isoformat(), day, SyntheticMarket(seed=7, n_events=1_500))
    return folder


def battery(raw: Path, root: Path, engine: str, kills: int, seed: int) -> dict:
    ended = subprocess.run(
        [sys.executable, str(BATTERY), str(raw), str(root), engine, str(kills), str(seed)],
        capture_output=True, text=True, check=False, env=fresh_environment(PYTHONPATH=str(project_root())),
    )  # fmt: skip
    outcome: dict = json.loads(ended.stdout.splitlines()[-1])
    assert outcome["failed"] is None, (outcome, ended.stderr)
    return outcome


@pytest.fixture(scope="module")
def calm(raw: Path, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the same commands, none of them killed."""
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
    outcome = battery(raw, tmp_path / "tables", engine, 14, 5)

    assert len(outcome["killed"]) >= 12
    require_same(tmp_path / "tables", calm)


@pytest.mark.prove
@pytest.mark.engine
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [1, 2])
def test_battery_of_kills_ends_in_the_same_tables(
    raw: Path, calm: Path, engine: str, tmp_path: Path, seed: int
) -> None:
    outcome = battery(raw, tmp_path / "tables", engine, 100, seed)

    assert len(outcome["killed"]) >= 90
    require_same(tmp_path / "tables", calm)
