"""Measures a whole night on both engines, beside DuckDB: seconds by stage, processor time and peak memory.

A night of ours goes from raw Parquet to published payouts, with all checks, records and pages. DuckDB does the same
ingestion, signals, split of pools and payouts, to Parquet, without commits and checks of what it wrote. Nights that
follow DuckDB's must pay what it pays.

    python benchmarks/nightly.py                # 5 M events
    python benchmarks/nightly.py --millions 20 --contenders duckdb embedded
    python benchmarks/nightly.py --millions 100 --contenders embedded --memory-share 0.2
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from duckdb_payouts import PAYOUTS, duckdb_payouts, require_same_payouts  # type: ignore[import-not-found]
from processes import processor_seconds, watched  # type: ignore[import-not-found]
from rich.console import Console
from rich.table import Table
from signals import THREADS, duckdb_query  # type: ignore[import-not-found]

from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.signals import publish_signals
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from ingest import duckdb_ingestion  # type: ignore[import-not-found]  # neighbours of this script

DAY = date(2026, 11, 20)
STAGES = ("session", "ingest", "signals", "allocate", "pages", "whole night")
CONTENDERS = ("duckdb", "embedded", "spark")


def main() -> None:
    """Run a night by each contender and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=5.0, help="events, in millions")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--memory-share", type=float, default=0.5, help="engine.memory_share of the embedded engine")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        run = duckdb_night if arguments.contenders[0] == "duckdb" else run_night
        print(json.dumps(run(arguments.contenders[0], arguments.night, arguments.memory_share)))
        return
    table = Table(title=f"A night of {arguments.millions:g} M events, 2 cores; seconds", title_justify="left")
    for name in ("night", *STAGES, "of it contracts", "processor s", "to DuckDB", "peak memory"):
        table.add_column(name, justify="left" if name == "night" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        market = SyntheticMarket(seed=11, n_events=round(arguments.millions * 1e6))
        generate_day(Path(scratch) / "raw", DAY, market)
        peer: dict[str, Any] = {}
        for name in arguments.contenders:
            share = ["--memory-share", str(arguments.memory_share)]
            seconds, gigabytes = watched([sys.executable, __file__, "--night", scratch, "--contenders", name, *share])
            if name == "duckdb":
                peer = seconds
            elif peer:
                tables = Warehouse(None, Path(scratch) / name)
                require_same_payouts(
                    Path(scratch) / "duckdb", {table: tables.files(table, day=DAY) for table in PAYOUTS}
                )
            cells = [f"{seconds[stage]:.1f}" if stage in seconds else "" for stage in STAGES]
            contracts = f"{seconds['contracts'] / seconds['whole night']:.0%}" if "contracts" in seconds else ""
            ratio = f"{seconds['processor'] / peer['processor']:.2f} ×" if peer else ""
            table.add_row(name, *cells, contracts, f"{seconds['processor']:.1f}", ratio, f"{gigabytes:.1f} GB")
    Console(width=130).print(table)


def duckdb_night(_: str, folder: Path, __: float) -> dict[str, float]:
    """Seconds of a night by DuckDB, by stage, and its processor seconds."""
    out = folder / "duckdb"
    out.mkdir()
    began, busy = time.monotonic(), processor_seconds()
    duckdb_ingestion(folder / "raw", out, "parquet")
    ingested = time.monotonic()
    db = duckdb.connect(config={"threads": THREADS})
    for table in ("viewers", "videos"):
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM '{out}/{table}.parquet'")
    db.execute(f"CREATE VIEW events AS SELECT * FROM '{out}/events/date={DAY}/*.parquet'")
    settings, signals = load_settings(), out / "signals.parquet"
    db.execute(f"COPY ({duckdb_query(settings)}) TO '{signals}'")
    rated = time.monotonic()
    duckdb_payouts(db, signals, folder / "raw" / "ad_revenue.parquet", out, settings)
    ended = time.monotonic()
    return {
        "ingest": ingested - began,
        "signals": rated - ingested,
        "allocate": ended - rated,
        "whole night": ended - began,
        "processor": processor_seconds() - busy,
    }


def run_night(engine: str, folder: Path, memory_share: float) -> dict[str, float]:
    """Seconds of one night in this process, which then ends."""
    settings = load_settings(assignments=["engine.driver_memory=8g", f"engine.memory_share={memory_share}"])
    began = time.monotonic()
    with open_session(engine, settings.engine) as session:
        opened, busy = time.monotonic(), processor_seconds()
        night = RunContext(Warehouse(session, folder / engine), settings, DAY)
        publish_ingestion(night, folder / "raw")
        publish_signals(night)
        publish_payouts(night)
        paid = time.monotonic()
        night.close()
        processor = processor_seconds() - busy
    ended = time.monotonic()
    return (
        night.seconds
        | {"processor": processor, "contracts": night.contract_seconds}
        | {"session": opened - began, "pages": ended - paid, "whole night": ended - began}
    )


if __name__ == "__main__":
    main()
