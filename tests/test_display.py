"""A fault in showing a published day is a warning; other faults end the run."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.checkout import project_root
from tools.processes import fresh_environment

from creatorpool.contracts.results import RuleResult
from creatorpool.display import display
from creatorpool.errors import InputError
from creatorpool.settings import load_settings
from creatorpool.stages import context
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


class Panic(BaseException):
    """Like a panic of the renderer, which is not an Exception."""


@pytest.mark.parametrize("fault", [ValueError("closing tag '[/red]'"), Panic("renderer")])
def test_display_fault_after_publication_is_a_warning(fault: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "creatorpool"), display(DAY, "summary"):
        raise fault

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"{DAY}: the day is published; the summary could not be shown: ")
    assert str(fault) in record.getMessage()
    assert "test_display.py:" in record.getMessage()


def test_display_fault_of_a_dry_run_ends_it() -> None:
    with pytest.raises(ValueError, match="broken"), display(DAY, "summary", is_published=False):
        raise ValueError("broken")


@pytest.mark.parametrize("error", [InputError("no such content"), KeyboardInterrupt(), SystemExit(2)])
def test_display_lets_wrong_input_and_interrupts_end_the_run(error: BaseException) -> None:
    with pytest.raises(type(error)), display(DAY, "chart"):
        raise error


SCRIPT = """
import sys
from datetime import date
from rich.table import Table
from creatorpool.contracts.results import RuleResult
from creatorpool.display import display
from creatorpool.cli.process import run_and_exit
from creatorpool.report.console import PlainConsole

def main(argv):
    with display(date(2026, 11, 20), "summary"):
        print("a name: \\ud800 \\U0001f600")
        console = PlainConsole(width=100)
        for number in range(5_000):
            console.print(f"line {number} " + 60 * "x")

run_and_exit(main)
"""


def ended_script(stdout: int, **environment: str) -> subprocess.CompletedProcess[bytes]:
    variables = fresh_environment(PYTHONPATH=os.pathsep.join(sys.path), **environment)
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, env=variables, check=False, cwd=project_root(), timeout=120
    )


def test_reader_that_closes_the_output_is_a_warning_and_exit_code_0() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = ended_script(writing)
    finally:
        os.close(writing)

    assert ended.returncode == 0, ended.stderr
    assert b"WARNING 2026-11-20: the day is published; the summary could not be shown: BrokenPipeError" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_names_beyond_the_encoding_of_the_output_are_shown_as_escapes() -> None:
    ended = ended_script(subprocess.PIPE, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(rb"a name: \ud800 \U0001f600")
    assert ended.stderr == b""


def test_fault_in_the_pages_of_the_checks_does_not_change_the_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(context, "write_data_docs", broken)
    run = context.RunContext(Warehouse(None, tmp_path), load_settings(), DAY)
    run.results.append(RuleResult("events", "not_empty", run.run_id, "error", True, 1, 0, None, "hint"))

    run.close()

    assert f"{DAY}: tables are not affected; the pages of the checks could not be shown: OSError" in caplog.text
