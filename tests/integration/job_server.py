"""Forks a process for each job script that standard input names, after imports that would take each script seconds.

A request is one line, a JSON array: the command, its environment, the files of its standard output and error, and its
time limit in seconds. The answer is one line: the exit code of the process, or null if the limit ended it.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import sys
import time
import traceback
from typing import NoReturn

PRELOADED = (
    "altair",
    "creatorpool.cli.main",
    "creatorpool.report.nightly.page",
    "creatorpool.stages.order",
    "great_expectations",
    "pyspark.sql.connect.session",
    "vl_convert",
)
POLL_SECONDS = 0.02


def serve() -> None:
    """Answer the requests, one after the other, until standard input ends."""
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        command, environment, outputs, seconds = json.loads(line)
        process = os.fork()
        if process == 0:
            run_script(command, environment, outputs)
        print(json.dumps(exit_code(process, seconds)), flush=True)


def run_script(command: list[str], environment: dict[str, str], outputs: list[str]) -> NoReturn:
    """Become the script's process, which ends with its own exit code."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    try:
        runpy.run_path(command[0], run_name="__main__")
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)  # the scripts themselves leave by their codes


def exit_code(process: int, seconds: float) -> int | None:
    """Wait for a child; kill it and its descendants at the time limit."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_SECONDS)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


if __name__ == "__main__":
    serve()
