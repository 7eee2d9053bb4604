"""Measures a whole night on both engines: seconds by stage and peak memory, from raw Parquet to published payouts.

python benchmarks/nightly.py                # 5 M events
python benchmarks/nightly.py --millions 1 --engines embedded
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from processes import watched  # type: ignore[import-not-found]  # a neighbour of this script
from rich.console import Console
from rich.table import Table

from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.signals import publish_signals
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
STAGES = ("session", "ingest", "signals", "allocate", "pages", "whole night")


def main() -> None:
    """Run a night on each engine and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=5.0, help="events, in millions")
    parser.add_argument("--engines", nargs="+", default=["embedded", "spark"])
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.night:
        print(json.dumps(run_night(arguments.engines[0], arguments.night)))
        return
    table = Table(title=f"A night of {arguments.millions:g} M events, 2 cores; seconds", title_justify="left")
    for name in ("engine", *STAGES, "of it contracts", "peak memory"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        market = SyntheticMarket(seed=11, n_events=round(arguments.millions * 1e6))
        generate_day(Path(scratch) / "raw", DAY, market)
        for engine in arguments.engines:
            command = [sys.executable, __file__, "--night", scratch, "--engines", engine]
            seconds, gigabytes = watched(command)
            share = seconds["contracts"] / seconds["whole night"]
            cells = [f"{seconds[stage]:.1f}" for stage in STAGES]
            table.add_row(engine, *cells, f"{seconds['contracts']:.1f} ({share:.0%})", f"{gigabytes:.1f} GB")
    Console(width=130).print(table)


def run_night(engine: str, folder: Path) -> dict[str, float]:
    """Seconds of one night in this process, which then ends."""
    settings = load_settings(assignments=["engine.driver_memory=8g"])
    began = time.monotonic()
    with open_session(engine, settings.engine) as session:
        opened = time.monotonic()
        night = RunContext(Warehouse(session, folder / engine), settings, DAY)
        publish_ingestion(night, folder / "raw")
        publish_signals(night)
        publish_payouts(night)
        paid = time.monotonic()
        night.close()
    ended = time.monotonic()
    return night.seconds | {"session": opened - began, "pages": ended - paid, "whole night": ended - began}


if __name__ == "__main__":
    main()
