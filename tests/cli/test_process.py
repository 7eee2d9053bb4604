"""The end of a process: one line for a full disk or Ctrl-C, a traceback for a fault of the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

_ENDING = """
import errno, os, sys, time
from creatorpool.cli import process

def main(arguments):
    {body}

process.GRACE_SECONDS = 0.5
process.run_and_exit(main)
"""


def ended(body: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ENDING.format(body=body)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("error", "is_named"),
    [
        ("OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))", True),
        ("RuntimeError('Object Store error: Generic error: No space left on device (os error 28)')", True),
        ("OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))", True),
        ("OSError(errno.EACCES, os.strerror(errno.EACCES))", False),
    ],
)
def test_job_on_a_full_disk_ends_in_one_line(error: str, is_named: bool) -> None:
    job = ended(f"raise {error}")

    assert job.returncode == 1
    assert ("the disk is full" in job.stderr) is is_named
    assert ("Traceback" in job.stderr) is not is_named
    assert len(job.stderr.strip().splitlines()) == 1 or not is_named


@pytest.mark.parametrize(("body", "code"), [("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('no')", 1)])
def test_exit_of_a_verb_is_the_exit_of_the_process(body: str, code: int) -> None:
    assert ended(body).returncode == code


@pytest.mark.parametrize(
    "body",
    [
        "print('begins', flush=True); time.sleep(60)",
        # Like a client that keeps calling an engine that has ended.
        """
    print('begins', flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(60)""",
    ],
)
def test_interrupt_ends_in_one_line_and_soon(body: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDING.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "begins\n"
        job.send_signal(signal.SIGINT)
        began = time.monotonic()
        errors = job.communicate(timeout=50)[1]

    assert job.returncode == 130
    assert time.monotonic() - began < 40
    (line,) = errors.splitlines()
    assert "interrupted: what is published stands" in line


def test_verb_that_loses_its_engine_is_a_fault_with_its_traceback() -> None:
    # Typer takes a broken pipe for a closed output and would end without a message.
    body = """
    from creatorpool.cli import main
    main.app.command("lost")(lost)
    main.main(["lost"])

def lost():
    raise BrokenPipeError(errno.EPIPE, "the engine has gone")"""
    job = ended(body)

    assert job.returncode == 1
    assert "the job failed" in job.stderr
    assert "BrokenPipeError" in job.stderr


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[print(60 * 'x', flush=True) for _ in range(9)]", 141),
        ("print('left in the buffer')", 141),
        ("from creatorpool.report.console import PlainConsole; PlainConsole().print('x'); sys.stdout.flush()", 141),
        ("print('a difference'); sys.exit(2)", 2),
    ],
)
def test_reader_that_closes_the_pipe_ends_the_process_without_a_word(body: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", _ENDING.format(body=body)]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        job = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, env=buffered, check=False, timeout=120
        )
    finally:
        os.close(writing)

    assert (job.returncode, job.stderr) == (code, "")


def test_interrupted_verb_does_not_end_as_a_successful_one() -> None:
    body = """
    from creatorpool.cli import main
    main.app.command("interrupted")(interrupted)
    main.main(["interrupted"])

def interrupted():
    raise KeyboardInterrupt"""
    assert ended(body).returncode == 130
