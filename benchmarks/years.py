"""Measures whether a night costs more as the number of earlier nights in its root grows.

    python benchmarks/years.py --nights 60 --events 2000

Prints the processor seconds of a night in one process, for the first nights, some nights in between and the last ones,
and the time to open tables, both those of which old versions are read and those of which only the latest is read.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from creatorpool.session import EMBEDDED, open_session
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

FIRST = date(2025, 1, 1)
OPENED = ("run_claims", "stage_runs", "pool_payouts")
BLOCK = 5
"""Number of nights of each printed median: single nights are noisy"""


def main() -> None:
    """Run the nights and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--data-docs", action="store_true", help="with great-expectations' pages")
    arguments = parser.parse_args()
    # Small made-up days bring a broken row of every kind.
    tolerant = "ingest.max_quarantined_share=0.5"
    settings = load_settings(assignments=[f"contracts.data_docs={str(arguments.data_docs).lower()}", tolerant])
    table = Table("nights", "processor s a night", *(f"open {name}, ms" for name in OPENED), "commits of run_claims")
    with tempfile.TemporaryDirectory() as folder, open_session(EMBEDDED, settings.engine) as session:
        tables = Warehouse(session, Path(folder) / "tables")
        seconds: list[float] = []
        for number in range(arguments.nights):
            seconds.append(run_night(tables, settings, FIRST + timedelta(days=number), Path(folder), arguments.events))
            if (number + 1) % BLOCK == 0 and (number < 2 * BLOCK or (number + 1) % 20 == 0):
                opened = (f"{1000 * opening(tables, name):.1f}" for name in OPENED)
                cost = f"{median(seconds[-BLOCK:]):.2f}"
                table.add_row(f"{number - BLOCK + 2} to {number + 1}", cost, *opened, str(tables.version("run_claims")))
    Console(width=120).print(table)


def run_night(tables: Warehouse, settings: object, day: date, folder: Path, events: int) -> float:
    """Processor seconds of one night, without making its delivery."""
    source = folder / "raw"
    generate_day(source, day, SyntheticMarket(seed=7, n_events=events))
    began = time.process_time()
    night = RunContext(tables, settings, day)  # type: ignore[arg-type]
    publish_ingestion(night, source)
    publish_payouts(night)
    night.close()
    shutil.rmtree(source)
    return time.process_time() - began


def opening(tables: Warehouse, table: str) -> float:
    """Median of five times to open a table anew, seconds."""
    times = []
    for _ in range(5):
        new = Warehouse(None, tables.root)  # a run keeps the tables that it has opened
        began = time.perf_counter()
        new.version(table)
        times.append(time.perf_counter() - began)
    return median(times)


if __name__ == "__main__":
    main()
