"""Processes that tests and tools start: their environment, and their end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil


def fresh_environment(**own: str) -> dict[str, str]:
    """This process's environment with `own`, and without the variables that PySpark set for its own session.

    A process gets the same environment as if a scheduler started it.
    """
    noted = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "PYSPARK_GATEWAY_PORT")
    return {name: value for name, value in os.environ.items() if name not in noted} | own


def run_captured(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder` and capture its output.

    If this function is left early, as by a timeout or Ctrl-C, the command and all processes below it are killed. They
    stay in the process group of the caller, so that what ends the group ends them too.
    """
    process = subprocess.Popen(
        command, cwd=folder, env=fresh_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        output, errors = process.communicate()
    finally:
        _end_tree(process)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _end_tree(process: subprocess.Popen[str]) -> None:
    """Kill `process`, if it still runs, and all processes below it."""
    if process.poll() is None:
        top = psutil.Process(process.pid)
        for one in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait(timeout=30)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_group(leader: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill the process group of `leader`, which was started in a session of its own, and wait for the leader's end."""
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait(timeout=30)
