"""Processes that tests and tools start: their environment, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def fresh_environment(**own: str) -> dict[str, str]:
    """This process's environment with `own`, and without the variables that PySpark set for its own session.

    A process gets the same environment as if a scheduler started it.
    """
    noted = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "PYSPARK_GATEWAY_PORT")
    return {name: value for name, value in os.environ.items() if name not in noted} | own


def run_in_group(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder`, in a process group of its own, and capture its output.

    When this function ends, by a timeout or Ctrl-C too, the command and all processes that it started have ended.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=fresh_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate()
    finally:
        end_group(process)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def end_group(leader: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill the process group of `leader`, which was started in a session of its own, and wait for the leader's end."""
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait(timeout=30)
