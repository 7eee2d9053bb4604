"""Measures whether nights, verbs and readers of tables get slower as the number of earlier nights in a root grows.

    python benchmarks/years.py --nights 400 --events 2000

Each root is maintained first, with logs as old as its nights would be. Every night, `status` and `verify` begin with
nothing in memory about the tables, as in a process of their own; starting Python and the engine is not counted. At the
end, readers of tables that every night committed to are measured beside readers of the same rows in one commit, before
and after `creatorpool maintain`. The last table says which aim is met.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb
import polars as pl
from copied_nights import Night, set_back  # type: ignore[import-not-found]  # a neighbour of this script
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from creatorpool.report.console import PlainConsole
from creatorpool.report.status_summary import print_status
from creatorpool.runs.pools import paid_days
from creatorpool.runs.state import state_of_days
from creatorpool.session import EMBEDDED, open_session
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.recovery import recover
from creatorpool.storage.files import tables_copy
from creatorpool.storage.gathered import LEDGERS
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import require_verified, verify_day

OUT = Console(width=140)
MARKS = (10, 20, 50, 100, 200, 400)
"""Numbers of earlier nights; the cost after the last is compared with that after the first"""
ROUNDS, READINGS = 5, 9
"""Number of costs of each median"""
LISTED = 10
"""Days that `status` lists"""
READ = ("pool_payouts", "creator_payouts")
AIM = 1.2
"""The most that anything may cost, in multiples of what it is compared with"""


class Cost(NamedTuple):
    """What one action took, in seconds."""

    processor: float
    wall: float


def main() -> None:
    """Run the nights and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--events", type=int, default=2_000, help="of each night")
    parser.add_argument("--run", type=int, help="run only so many nights; the others are copies of the last of them")
    parser.add_argument("--data-docs", action="store_true", help="with great-expectations' pages")
    parser.add_argument("--folder", type=Path, help="keep the roots here, and continue with those that are here")
    arguments = parser.parse_args()
    # Small made-up days bring a broken row of every kind.
    tolerant = "ingest.max_quarantined_share=0.5"
    settings = load_settings(assignments=[f"contracts.data_docs={str(arguments.data_docs).lower()}", tolerant])
    logging.getLogger("creatorpool").setLevel(logging.ERROR)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = stack.enter_context(open_session(EMBEDDED, settings.engine))
        years = Years(session, settings, (arguments.folder or scratch).resolve(), arguments.events)
        marks = [mark for mark in MARKS if mark < arguments.nights] + [arguments.nights]
        years.run(marks, arguments.run or arguments.nights)
        OUT.print(growth_table(years.costs(marks)))
        OUT.print(reading_table(session, years.folder / str(marks[-1]), scratch))


@dataclass(frozen=True)
class Years:
    """Roots under one folder: `tables`, in which the nights run, and one copy for each number of nights."""

    session: SparkSession
    settings: Settings
    folder: Path
    events: int

    def run(self, marks: Sequence[int], real: int) -> None:
        """Run the nights that are missing, and copy the root after each number in `marks`.

        Nights after number `real` are copies of it.
        """
        tables = self.folder / "tables"
        done = len(paid_days(Warehouse(None, tables)))
        if real <= done < marks[-1]:
            raise SystemExit(f"{tables} has {done} nights: to copy night {real}, choose a new --folder")
        last: Night | None = None
        for number in range(done + 1, marks[-1] + 1):
            if last is None:
                before = versions(tables)
                cost = self.night(tables, number)
                last = Night(tables, day_of(real), before, versions(tables)) if number == real else None
            else:
                cost = cost_of(partial(last.copy, number - real))
            if number in marks:
                shutil.copytree(tables, self.folder / str(number), copy_function=os.link)
            if number % 10 == 0:
                what = "night" if number <= real else "copy"
                OUT.print(f"{what} {number} took {cost.processor:.2f} s of processor, {cost.wall:.2f} s")

    def costs(self, marks: Sequence[int]) -> dict[int, dict[str, Cost]]:
        """By number of earlier nights: the medians of what a night and each verb cost.

        The roots take turns, so that other work on the machine slows all of them alike.
        """
        found: dict[int, list[dict[str, Cost]]] = {mark: [] for mark in marks}
        with ExitStack() as stack:
            copies = {mark: Path(str(stack.enter_context(tables_copy(self.folder / str(mark))))) for mark in marks}
            for mark, root in copies.items():
                set_back(root, mark)
                upkeep = cost_of(partial(maintained, root))
                OUT.print(
                    f"maintain after {mark} nights took {upkeep.processor:.2f} s of processor, {upkeep.wall:.2f} s"
                )
            for turn in range(ROUNDS + 1):
                for mark, root in copies.items():
                    number = mark + 1 + turn
                    found[mark].append({"night": self.night(root, number), **self.verbs(root, day_of(number))})
        # What the first turn compiles the others only run.
        return {
            mark: {name: median_cost([one[name] for one in own[1:]]) for name in own[0]} for mark, own in found.items()
        }

    def night(self, root: Path, number: int) -> Cost:
        """Run night `number` in `root` as `run --source` does, without its page."""
        with tempfile.TemporaryDirectory() as scratch:
            source, day = Path(scratch) / "raw", day_of(number)
            generate_day(source, day, SyntheticMarket(seed=7, n_events=self.events))
            context = RunContext(Warehouse(self.session, root), self.settings, day)

            def run() -> None:
                recover(context.warehouse, context.log)
                publish_ingestion(context, source)
                publish_payouts(context)
                context.close()

            return cost_of(run)

    def verbs(self, root: Path, day: date) -> dict[str, Cost]:
        """The cost of each verb that only reads, with `day` as the latest one."""

        def status(only: date | None) -> None:
            print_status(PlainConsole(width=120, file=StringIO()), state_of_days(Warehouse(None, root), only, LISTED))

        def verify() -> None:
            context = RunContext(Warehouse(self.session, root), self.settings, day, dry_run=True)
            require_verified(context, verify_day(context))
            context.close()

        return {
            "status": cost_of(lambda: status(None)),
            "status --date": cost_of(lambda: status(day)),
            "verify --date": cost_of(verify),
        }


def maintained(root: Path) -> None:
    """Run `maintain` as operators do each week."""
    list(maintain_tables(Warehouse(None, root), timedelta(days=3650)))


def versions(root: Path) -> dict[str, int]:
    """The latest version of each table."""
    return Warehouse(None, root).versions(*(log.parent.name for log in root.glob("*/_delta_log")))


def day_of(number: int) -> date:
    """The day of night `number`; the first is 1."""
    return date(2025, 1, 1) + timedelta(days=number - 1)


def cost_of(action: Callable[[], object]) -> Cost:
    """What `action` takes."""
    busy, began = time.process_time(), time.perf_counter()
    action()
    return Cost(time.process_time() - busy, time.perf_counter() - began)


def median_cost(costs: Sequence[Cost]) -> Cost:
    """The median of each time."""
    return Cost(median(cost.processor for cost in costs), median(cost.wall for cost in costs))


def growth_table(found: Mapping[int, Mapping[str, Cost]]) -> Table:
    """The costs by number of earlier nights, and whether they grew."""
    first, *_, last = found
    table = Table("processor s (wall s)", *(f"after {mark}" for mark in found), f"{last} to {first}", f"at most {AIM}")
    for name in found[first]:
        cells = (f"{cost.processor:.3f} ({cost.wall:.3f})" for cost in (found[mark][name] for mark in found))
        table.add_row(name, *cells, *verdict(found[last][name].processor / found[first][name].processor))
    return table


def verdict(ratio: float) -> tuple[str, str]:
    """The cells for a ratio and whether it meets the aim."""
    return f"{ratio:.2f}", "met" if ratio <= AIM else "MISSED"


def reading_table(session: SparkSession, root: Path, scratch: Path) -> Table:
    """The time to read tables with a commit a night, before and after maintenance, beside the same rows in one."""
    once = {name: scratch / "once" / name for name in READ}
    for name, path in once.items():
        write_deltalake(path, DeltaTable(root / name).to_pyarrow_table(), partition_by=["date"])
    kept = scratch / "maintained"
    for name in (*READ, *LEDGERS):  # to maintain the others, too, takes minutes
        shutil.copytree(root / name, kept / name, copy_function=os.link)
    upkeep = cost_of(lambda: [*maintain_tables(Warehouse(None, kept), timedelta(days=3650))])
    title = f"Reading tables, wall ms; maintain of these and the ledgers took {upkeep.wall:.1f} s"
    names = ("table", "reader", "one commit", "before maintain", "after it", "after to one", f"at most {AIM}")
    table = Table(*names, title=title)
    for name in READ:
        found = reading_costs(session, [once[name], root / name, kept / name])
        for reader, costs in found.items():
            table.add_row(name, reader, *(f"{1000 * cost:.0f}" for cost in costs), *verdict(costs[2] / costs[0]))
    return table


def reading_costs(session: SparkSession, paths: Sequence[Path]) -> dict[str, list[float]]:
    """By reader: the median wall time to read all rows of each of `paths`, which take turns."""

    def in_duckdb(path: Path) -> object:
        return duckdb.from_arrow(DeltaTable(path).to_pyarrow_dataset()).fetchall()

    readers: dict[str, Callable[[Path], object]] = {
        "deltalake": lambda path: DeltaTable(path).to_pyarrow_table(),
        "DuckDB": in_duckdb,
        "Polars": lambda path: pl.read_delta(str(path)),
        "embedded engine": lambda path: session.read.format("delta").load(str(path)).toArrow(),
    }
    return {
        name: [
            median(times)
            for times in zip(
                *([cost_of(partial(read, path)).wall for path in paths] for _ in range(READINGS)), strict=True
            )
        ]
        for name, read in readers.items()
    }


if __name__ == "__main__":
    main()
