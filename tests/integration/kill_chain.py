"""Run a night again and again, killing each run a little later than the one before, until one gets through.

Every run is a child of this process: forked after the slow imports, killed by SIGKILL at one write. A write is killed
before it starts, while it goes on, or after it is committed, in turn. Whenever a run has published one more stage, the
next is killed at its first write again, so that every write of every stage is met. Prints one JSON object: how many
runs were killed, and where.

    python kill_chain.py SOURCE ROOT DATE ENGINE [STRIDE]
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

# Imported here, before the forks, to be paid for once.
import great_expectations  # noqa: F401
import pyspark.sql.connect.session  # noqa: F401

from creatorpool.pipeline.allocation import allocate_day
from creatorpool.pipeline.ingestion import ingested
from creatorpool.pipeline.night import Night
from creatorpool.runs.ledger import INGEST, SIGNALS, published_pools, published_run
from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

WRITES = ("replace_day", "append", "overwrite", "append_records", "replace_day_records")
MODES = ("before", "during", "after")


def killing(write, count: dict[str, int], at: int, mode: str):
    """`write`, but killed at its call number `at` of all writes of the run."""

    def killed(*args, **kwargs):
        count["writes"] += 1
        is_last = count["writes"] == at
        if is_last and mode == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if is_last and mode == "during":
            delay = random.Random(at).uniform(0.002, 0.08)
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        result = write(*args, **kwargs)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return killed


def run_night(source: Path, root: Path, day: date, engine: str, at: int, mode: str) -> None:
    """One run in this process, killed at its write number `at`."""
    count = {"writes": 0}
    for name in WRITES:
        setattr(Warehouse, name, killing(getattr(Warehouse, name), count, at, mode))
    settings = load_settings(assignments=["contracts.data_docs=false", "engine.shuffle_partitions=2"])
    with open_session(engine, settings.engine) as session:
        night = Night(Warehouse(session, root), settings, day)
        ingested(night, source)
        allocate_day(night)


def stages_done(root: Path, day: date) -> int:
    """How many stages of the day are published; the exit code of a child that looks."""
    tables = Warehouse(None, root)
    runs = [published_run(tables, stage, day) for stage in (INGEST, SIGNALS)]
    return sum(run is not None for run in runs) + bool(published_pools(tables, day))


def in_child(work: Callable[[], int | None]) -> int:
    """The wait status of a forked child that does `work`. This process itself must not start the tables' threads."""
    child = os.fork()
    if child == 0:
        logging.disable()
        code = 1
        try:
            code = work() or 0
        except Exception:
            traceback.print_exc()
        os._exit(code)
    return os.waitpid(child, 0)[1]


def main(source: Path, root: Path, day: date, engine: str, stride: int) -> None:
    """Kill runs until one gets through, and print where they were killed."""
    killed: list[str] = []
    done, at = 0, 1
    while True:
        mode = MODES[len(killed) % len(MODES)]
        status = in_child(lambda at=at, mode=mode: run_night(source, root, day, engine, at, mode))
        if os.WIFEXITED(status):
            print(json.dumps({"killed": killed, "exit_code": os.WEXITSTATUS(status)}))
            return
        killed.append(f"{done}/{at}/{mode}")
        now_done = os.WEXITSTATUS(in_child(lambda: stages_done(root, day)))
        at = 1 if now_done > done else at + stride
        done = now_done


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        date.fromisoformat(sys.argv[3]),
        sys.argv[4],
        int(sys.argv[5]) if len(sys.argv) > 5 else 1,
    )
