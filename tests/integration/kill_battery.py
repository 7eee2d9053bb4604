"""Kills commands at their writes, many times, and runs each command again until it succeeds.

Every command is a child of this process, forked after the slow imports. SIGKILL kills it at a write, between two
writes, or at a random moment. A write is killed before it starts, while it goes on, or after it is committed. The
commands are those of two days: the nights, a corrected delivery, a republication, explanations, statements, upkeep and
the report. Prints one JSON object: how many children were killed, at what.

    python kill_battery.py RAW ROOT ENGINE KILLS SEED
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

# Imported before the forks, so that the imports cost time only once.
import great_expectations  # noqa: F401
import pyspark.sql.connect.session  # noqa: F401
from tests.tolerant import TOLERANT

from creatorpool.report.nightly.page import write_page
from creatorpool.report.nightly.published import report_day
from creatorpool.session import open_session
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.explanation import publish_explanation
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.recovery import recover
from creatorpool.stages.reingestion import reingest_day
from creatorpool.stages.statements import publish_statements
from creatorpool.storage.places import Place, place_of, tables_root
from creatorpool.tables import Warehouse

FIRST, SECOND = date(2026, 11, 19), date(2026, 11, 20)
WRITES = (
    *("stage_day", "stage_append", "stage_overwrite", "stage_records", "commit", "append_records"),
    *("replace_day_records", "restore", "restore_day", "optimize", "vacuum"),
)
MODES = ("before", "during", "after", "anywhere")
ALPHA = "allocation.alpha=0.7"
LOST_ANSWER = 7
"""Exit code of a child whose engine's answer gRPC could not read, seen once in some hundred children: borne once."""

Command = Callable[[Warehouse, Callable[..., RunContext], Place], object]


def settings_of(*assignments: str) -> Settings:
    return load_settings(
        assignments=["contracts.data_docs=false", "engine.shuffle_partitions=2", TOLERANT, *assignments]
    )


def night(tables: Warehouse, day: date, *assignments: str) -> RunContext:
    run = RunContext(tables, settings_of(*assignments), day)
    recover(tables, run.log)
    return run


def pay(day: date, raw: Place, tables: Warehouse) -> None:
    run = night(tables, day)
    publish_ingestion(run, raw / day.isoformat())
    publish_payouts(run)


def republish(tables: Warehouse) -> None:
    publish_payouts(night(tables, SECOND, ALPHA), republish=True)


def correct(raw: Place, tables: Warehouse) -> None:
    reingest_day(night(tables, FIRST), raw / f"{FIRST.isoformat()}-corrected")


def explain(tables: Warehouse) -> None:
    run = night(tables, SECOND)
    publish_statements(run, publish_explanation(run, FIRST, settings_of()))


def maintain(tables: Warehouse) -> None:
    for _ in maintain_tables(tables, timedelta(days=30)):
        pass


def report(tables: Warehouse) -> None:
    write_page(report_day(tables, SECOND), tables.root / "_reports" / "night.html")


COMMANDS: dict[str, Callable[[Warehouse, Place], object]] = {
    "first night": lambda tables, raw: pay(FIRST, raw, tables),
    "second night": lambda tables, raw: pay(SECOND, raw, tables),
    "correct the first day": lambda tables, raw: correct(raw, tables),
    "explain and statements": lambda tables, _: explain(tables),
    "republish": lambda tables, _: republish(tables),
    "maintain": lambda tables, _: maintain(tables),
    "explain again": lambda tables, _: explain(tables),
    "report": lambda tables, _: report(tables),
}
NEEDS_NO_ENGINE = ("maintain", "report")


def killing(write: Callable[..., object], count: dict[str, int], at: int, mode: str) -> Callable[..., object]:
    """`write`, which kills the process at call number `at` of all its writes."""

    def killed(*args: object, **kwargs: object) -> object:
        count["writes"] += 1
        is_last = count["writes"] == at
        if is_last and mode == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if is_last and mode == "during":
            delay = random.Random(at).uniform(0.001, 0.05)
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        result = write(*args, **kwargs)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return killed


def run_command(name: str, raw: Place, root: Place, engine: str, at: int, mode: str) -> None:
    """Run one command in this process, and kill it at write number `at`, or after as many hundredths of a second."""
    count = {"writes": 0}
    if mode == "anywhere":
        threading.Timer(1.5 + at / 50, os.kill, (os.getpid(), signal.SIGKILL)).start()
    else:
        for write in WRITES:
            setattr(Warehouse, write, killing(getattr(Warehouse, write), count, at, mode))
    if name in NEEDS_NO_ENGINE:
        COMMANDS[name](Warehouse(None, root), raw)
        return
    with open_session(engine, settings_of().engine) as session:
        COMMANDS[name](Warehouse(session, root), raw)


def in_child(work: Callable[[], object]) -> int:
    """The wait status of a forked child that does `work`. This process must not start the threads of the tables."""
    child = os.fork()
    if child == 0:
        logging.disable()
        code = 0
        try:
            work()
        except Exception as error:
            traceback.print_exc()
            code = LOST_ANSWER if "Exception deserializing response" in str(error) else 1
        os._exit(code)
    return os.waitpid(child, 0)[1]


def main(raw: Place, root: Place, engine: str, kills: int, seed: int) -> None:
    """Try to kill each command the given number of times, run each to its end, and print where they were killed."""
    draw = random.Random(seed)
    killed: list[str] = []
    lost: list[str] = []
    began = time.monotonic()
    step = 1 if kills >= 60 else 3
    for name in COMMANDS:
        at = 1
        for attempt in range(kills // len(COMMANDS)):
            mode = MODES[attempt % len(MODES)]
            where = at if mode != "anywhere" else draw.randrange(1, 200)
            status = in_child(partial(run_command, name, raw, root, engine, where, mode))
            if os.WIFSIGNALED(status):
                killed.append(f"{name}/{where}/{mode}")
            elif os.WEXITSTATUS(status) == LOST_ANSWER and not lost:
                lost.append(f"{name}/{where}/{mode}")
            elif os.WEXITSTATUS(status):
                fail(killed, f"{name}: exit code {os.WEXITSTATUS(status)}")
            elif mode != "anywhere":
                break  # it has no further write
            at += step if mode != "anywhere" else 0
        status = in_child(partial(run_command, name, raw, root, engine, 0, ""))
        if status:
            fail(killed, f"{name}: status {status} without a kill")
    seconds = round(time.monotonic() - began)
    print(json.dumps({"killed": killed, "lost": lost, "seconds": seconds, "failed": None}))


def fail(killed: list[str], why: str) -> None:
    """Report the error, and the kills before it."""
    print(json.dumps({"killed": killed, "failed": why}))
    sys.exit(1)


if __name__ == "__main__":
    main(place_of(sys.argv[1]), tables_root(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
