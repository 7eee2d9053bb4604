"""Progress appears only on a terminal, and never inside log lines or printed output."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import date

import pytest
from tools.processes import fresh_environment

from creatorpool.cli.progress import logged
from creatorpool.logs import JsonLines

SCRIPT = """
import logging, time
from creatorpool.cli.process import run_and_exit
from creatorpool.cli.progress import counted, shows_progress
from creatorpool.report.console import PlainConsole

def verb(days):
    logging.getLogger("creatorpool").info("begins " + 150 * "x")
    time.sleep(0.3)
    for day in counted(range(days), "days"):
        logging.getLogger("creatorpool").info("day %d", day)
        time.sleep(0.3)
    PlainConsole(width=200).print("result " + 150 * "y")
    print("the end")

run_and_exit(lambda argv: shows_progress("some-verb", verb)(days=2))
"""
ERASED, HIDDEN, SHOWN = "\x1b[2K", "\x1b[?25l", "\x1b[?25h"


def on_terminal(*, stdout_too: bool) -> tuple[int, str, str]:
    """Exit code, output to the terminal, and standard output if it is no terminal."""
    leader, follower = os.openpty()
    environment = fresh_environment(PYTHONPATH=os.pathsep.join(sys.path), TERM="xterm", COLUMNS="100")
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=follower if stdout_too else subprocess.PIPE,
        stderr=follower,
        env=environment,
    ) as job:
        os.close(follower)
        got = bytearray()
        while True:
            try:
                read = os.read(leader, 65_536)
            except OSError:  # Linux reports the end of the last writer in this way
                break
            if not read:
                break
            got += read
        os.close(leader)
        printed = job.stdout.read() if job.stdout else b""
    return job.returncode, got.decode().replace("\r\n", "\n"), printed.decode()


def test_terminal_shows_how_long_a_verb_runs_and_how_many_days_are_done() -> None:
    code, got, _ = on_terminal(stdout_too=True)

    assert code == 0
    assert "some-verb" in got
    assert "0:00:00" in got
    assert "1/2" in got
    # Each line is whole: the progress that was shown there is erased.
    lines = {line.rpartition(ERASED)[2]: line for line in got.split("\n")}
    assert any(line.endswith(f" INFO begins {150 * 'x'}") and "some-verb" not in line for line in lines)
    assert any(line.endswith(" INFO day 1") and "days" not in line for line in lines)
    assert f"result {150 * 'y'}" in got
    assert "some-verb" not in got[got.index("result") :]
    assert got.endswith("the end\n")
    assert got.count(HIDDEN) == got.count(SHOWN) == 1


def test_output_that_is_no_terminal_gets_only_the_results() -> None:
    code, got, printed = on_terminal(stdout_too=False)

    assert code == 0
    assert "some-verb" in got
    assert printed == f"result {150 * 'y'}\nthe end\n"


def test_without_a_terminal_the_log_lines_are_the_progress() -> None:
    environment = fresh_environment(PYTHONPATH=os.pathsep.join(sys.path))
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True, timeout=120
    )

    assert [line.split(" INFO ")[1][:6] for line in ended.stderr.splitlines()] == ["begins", "day 0", "day 1"]
    assert "\x1b" not in ended.stderr + ended.stdout


def test_step_logs_its_beginning_and_its_seconds(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "creatorpool"), logged("verify", date(2026, 11, 20)):
        pass

    assert [record.getMessage() for record in caplog.records] == [
        "2026-11-20 verify: begins",
        "2026-11-20 verify: done in 0.0 s",
    ]
    line = json.loads(JsonLines().format(caplog.records[1]))
    assert (line["day"], line["subject"]) == ("2026-11-20", "verify")
    assert line["seconds"] == pytest.approx(0, abs=0.5)
