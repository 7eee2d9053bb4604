"""The command line, as operators use it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.checkout import project_root
from tests.integration.conftest import DAY
from tests.tolerant import TOLERANT
from tools.processes import fresh_environment

from creatorpool.cli.main import main
from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.ledger import StageRun, begin_runs, published_run
from creatorpool.runs.pools import pool_records, publish_pools, published_pools
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

NEXT = DAY + timedelta(days=1)
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def command(engine: str) -> Command:
    """Run one command to its end, on the engine under test if the command uses an engine."""

    def run(*arguments: object, on_engine: bool = True) -> subprocess.CompletedProcess[str]:
        own = ["--engine", engine, "--set", "engine.shuffle_partitions=2", "--set", "engine.driver_memory=2g"]
        own += ["--set", TOLERANT]
        line = [sys.executable, "-m", "creatorpool.cli", *map(str, arguments), *(own if on_engine else [])]
        environment = fresh_environment(PYSPARK_PYTHON=sys.executable)
        return subprocess.run(line, capture_output=True, text=True, env=environment, timeout=500, check=False)

    return run


@pytest.fixture
def tables(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of a night's tables."""
    return Path(shutil.copytree(undisturbed, tmp_path / "tables"))


@pytest.mark.once
def test_verify_accepts_a_published_night_and_refuses_a_changed_one(tables: Path, command: Command) -> None:
    ended = command("verify", "--date", DAY, "--root", tables)

    assert ended.returncode == 0, ended.stderr
    assert "payouts optimal (KKT)" in ended.stdout

    warehouse = Warehouse(None, tables)
    rows = warehouse.read_arrow("video_payouts", day=DAY).to_pylist()
    rows[0]["total_micros"] += 1
    warehouse.replace_day_records(rows, "video_payouts", DAY, seen=warehouse.version("video_payouts"))
    changed = command("verify", "--date", DAY, "--root", tables)

    assert changed.returncode == 2
    assert "check 'video_payouts as published' found 1 difference in" in changed.stderr
    assert "Traceback" not in changed.stderr


@pytest.mark.once
def test_backfill_pays_the_missing_days_and_changes_are_explained(
    tables: Path, raw_day: Path, command: Command, tmp_path: Path
) -> None:
    shutil.copytree(raw_day, tmp_path / "raw" / DAY.isoformat())
    generate_day(tmp_path / "raw" / NEXT.isoformat(), NEXT, SyntheticMarket(seed=8, n_events=1_500))
    first = published_run(Warehouse(None, tables), "ingest", DAY)
    source = tmp_path / "raw" / "{date}"

    ended = command("backfill", "--from", DAY, "--to", NEXT, "--source", source, "--root", tables)

    assert ended.returncode == 0, ended.stderr
    assert "backfill: day 2 of 2" in ended.stderr
    assert published_run(Warehouse(None, tables), "ingest", DAY) == first, "what is published stands"
    paid = max(pool.finished_at for pool in published_pools(Warehouse(None, tables), NEXT).values())
    pages = [tables / "_reports" / f"night-{day}.html" for day in (DAY, NEXT)]
    assert all(page.stat().st_mtime > paid.timestamp() for page in pages), "no payout waits for a page"

    states = command("status", "--root", tables, on_engine=False)
    assert states.returncode == 0, states.stderr
    assert re.findall(r"│ (\S+) │ allocate", states.stdout) == [DAY.isoformat(), NEXT.isoformat()]

    creator = Warehouse(None, tables).read_arrow("creator_payouts", day=NEXT).to_pylist()[0]["creator_id"]
    told = command("explain", creator, "--date", NEXT, "--root", tables)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"Creator {creator}: {NEXT} against {DAY}")


@pytest.mark.once
def test_a_month_is_closed_without_the_days_on_which_the_platform_was_out(
    tables: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = published_pools(Warehouse(None, tables), DAY)
    later = replace(ledger[min(ledger)], day=date(2026, 12, 1), run_id="later")
    records, seen = pool_records(Warehouse(None, tables), later.day, [later])
    publish_pools(Warehouse(None, tables), later.day, records, seen)
    month = ("--month", f"{DAY:%Y-%m}", "--root", tables)
    refused = command("close", *month)

    assert refused.returncode == 2
    assert "payouts of 10 days are not published" in refused.stderr
    assert "close the month with --without-day 2026-11-21" in refused.stderr

    days = [f"2026-11-{day}" for day in range(21, 31)]
    closed = command("close", *month, *(word for day in days for word in ("--without-day", day)))

    assert closed.returncode == 0, closed.stderr
    assert f"2026-11 is closed without {', '.join(days[:4])}" in " ".join(closed.stdout.split())
    main(["status", "--root", str(tables)])
    assert f"closed without {days[0]}, " in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "--date", "20261120"], 2, "'20261120' is not a date"),
        (["run"], 2, "Missing option '--date'"),
        (["run", "--date", DAY, "--dat", "x"], 2, "No such option: --dat"),
        ([], 2, "creatorpool: Missing command"),
        (["rum"], 2, "No such command 'rum'"),
        (["verify", "--date", DAY, "--set", "allocation.alhpa=0.5"], 3, "unknown key 'allocation.alhpa'"),
        (["verify", "--date", DAY, "--engine", "flink"], 3, "got 'flink'"),
        (["explain", "v1", "--date", DAY, "--video", "v1"], 2, "give one of them"),
        (["backfill", "--from", NEXT, "--to", DAY], 2, "--from must not be after --to"),
        (["backfill", "--from", DAY, "--to", NEXT, "--source", "raw"], 2, "must have {date}"),
        (["status"], 2, "nothing is published"),
    ],
)
def test_wrong_command_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[object], code: int, message: str
) -> None:
    monkeypatch.setenv("CREATORPOOL_ROOT", str(tmp_path / "tables"))

    with pytest.raises(CreatorpoolError, match=re.escape(message)) as caught:
        main([str(argument) for argument in arguments])

    assert caught.value.exit_code == code
    assert not (tmp_path / "tables").exists()


def test_claims_are_listed_and_released_with_a_reason_in_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables, root = Warehouse(None, tmp_path), ("--root", str(tmp_path))
    main(["claims", "list", *root])
    assert "No stage is claimed." in capsys.readouterr().out

    with claimed(tables, "ingest", EVERY_DAY, "run-1", timedelta(hours=1)):
        main(["claims", "list", *root])
        listed = capsys.readouterr().out
        assert "ingest of every day" in listed
        assert "its process lives on this machine" in listed
        for wrong in (
            ["ingest", "--reason", " "],
            ["signals", "--reason", "x"],
            ["ingest", "--reason", "x", "--date", DAY],
        ):
            with pytest.raises(InputError):
                main(["claims", "release", *map(str, wrong), *root])
        main(["claims", "release", "ingest", "--reason", "its machine is gone", *root])
        assert "run run-1, should it go on, publishes nothing" in capsys.readouterr().out
        with claimed(tables, "ingest", EVERY_DAY, "run-2", timedelta(hours=1)):
            pass

    rows = tables.read_arrow("stage_runs").to_pylist()
    assert [(row["run_id"], row["status"]) for row in rows] == [("run-1", "released")]
    assert json.loads(rows[0]["rows"])["reason"] == "its machine is gone"


def test_status_names_an_unfinished_publication(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables, moment = Warehouse(None, tmp_path), datetime(2026, 11, 20, tzinfo=UTC)
    changes = {"changes": ["video_signals", "pool_payouts"]}
    begin_runs(tables, [StageRun(DAY, "allocate", "run-1", "0" * 64, "test", {}, {}, changes, moment, moment)])

    main(["status", "--root", str(tmp_path)])

    shown = " ".join(capsys.readouterr().out.split())
    assert "Not finished: allocate of 2026-11-20, run run-1. It began to change video_signals, pool_payouts" in shown


def test_config_show_prints_the_configuration_with_overlays(capsys: pytest.CaptureFixture[str]) -> None:
    main(["config", "show", "--conf", str(project_root() / "conf" / "recommended.yaml"), "--set", "allocation.alpha=1"])

    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["allocation"]["alpha"] == 1
    assert shown["quality"]["smoothing"] == "empirical_bayes"


def test_contracts_lint_names_mistakes(copied_contracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["contracts", "lint", str(copied_contracts)])
    assert "every contract reads" in capsys.readouterr().out

    (copied_contracts / "videos.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(CreatorpoolError, match=r"videos.yaml:2: key 'a' is given twice") as caught:
        main(["contracts", "lint", str(copied_contracts)])
    assert caught.value.exit_code == 3
