"""The end of processes that tests and tools start."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tools.processes import run_captured

PARENT = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child.tmp").write_text(f"{child.pid} {os.getpgid(child.pid)}")
pathlib.Path("child.tmp").rename("child")
time.sleep(600)
"""


class StoppedError(Exception):
    """The limit of a test, as pytest-timeout raises it: by a signal."""


@pytest.fixture
def timeout_once_started(tmp_path: Path) -> Iterator[None]:
    """Raise `StoppedError` in the test as soon as the child of `PARENT` runs."""

    def check(number: int, frame: object) -> None:
        if (tmp_path / "child").exists():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise StoppedError

    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    yield
    signal.signal(signal.SIGALRM, before[0])
    signal.setitimer(signal.ITIMER_REAL, *before[1])


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_run_captured_that_is_stopped_leaves_no_process(tmp_path: Path, timeout_once_started: None) -> None:
    with pytest.raises(StoppedError):
        run_captured([sys.executable, "-c", PARENT], tmp_path)

    child, group = map(int, (tmp_path / "child").read_text().split())
    assert group == os.getpgrp()
    for _ in range(100):
        if has_ended(child):
            return
        time.sleep(0.1)
    pytest.fail("the child runs on")


def test_run_captured_returns_output_and_exit_code(tmp_path: Path) -> None:
    ended = run_captured([sys.executable, "-c", "import os; print(os.getcwd()); raise SystemExit('bad')"], tmp_path)

    assert (ended.stdout.strip(), ended.stderr.strip(), ended.returncode) == (str(tmp_path), "bad", 1)
