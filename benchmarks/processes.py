"""Runs contenders in processes of their own, and measures their processor time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil


def watched(command: list[str]) -> tuple[dict[str, float], float]:
    """The last line that `command` prints, parsed, and the peak memory of its process and its descendants, GB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.25):
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                continue  # a process ended while it was measured

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    done.set()
    watcher.join()
    if process.returncode:
        sys.exit(process.returncode)
    return json.loads(out.splitlines()[-1]), peak / 1e9


def processor_seconds() -> float:
    """Processor seconds that this process and its living children have used."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return float(sum(sum(member.cpu_times()[:2]) for member in family))


def measured(run: Callable[[], object]) -> dict[str, float]:
    """Seconds and processor seconds of one call."""
    began, busy = time.perf_counter(), processor_seconds()
    run()
    return {"seconds": time.perf_counter() - began, "processor": processor_seconds() - busy}
