"""Whole nights on made-up or real logs: `make demo`, also with `ENGINE=spark` or `DATA=folder-of-KuaiRand`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.job import run_job
from creatorpool.project import conf_directory
from creatorpool.report.console import PlainConsole
from creatorpool.report.demo import comparison, print_next_steps
from creatorpool.synthetic import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

JOBS = Path(__file__).resolve().parent
SYNTHETIC_DAY, KUAIRAND_DAY = date(2026, 11, 20), date(2022, 4, 10)


def main(argv: list[str]) -> None:
    """Make a day's logs, run the jobs on them, and show what came out."""
    parser = argparse.ArgumentParser(description="Run ingest, signals and allocation on a day of logs.")
    parser.add_argument("--root", default="demo-output", help="folder for the tables; an earlier demo's are removed")
    parser.add_argument("--engine", default="embedded")
    parser.add_argument("--data", type=Path, help="folder with KuaiRand logs, instead of made-up ones")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all its jobs")
    parser.add_argument("--events", type=int, default=200_000, help="how many events to make up")
    parser.add_argument("--alone", action="store_true", help="one night and its report: no day before, no statements")
    arguments = parser.parse_args(argv)
    root, out = Path(arguments.root), PlainConsole(width=110)
    for folder in (root / "raw", root / "tables"):
        shutil.rmtree(folder, ignore_errors=True)
    tables, before = root / "tables", SYNTHETIC_DAY - timedelta(days=1)
    day, source = (KUAIRAND_DAY, arguments.data) if arguments.data else (SYNTHETIC_DAY, root / "raw" / "day")
    common = ["--root", str(tables), "--engine", arguments.engine]
    common += [word for assignment in arguments.set for word in ("--set", assignment)]
    layout = "kuairand" if arguments.data else "native"
    if arguments.data:
        out.print("Real logs, with the settings that they call for: conf/recommended.yaml")
        common += ["--conf", str(conf_directory() / "recommended.yaml")]
    else:
        market, earlier = SyntheticMarket(seed=7, n_events=arguments.events), root / "raw" / "day-before"
        out.print(f"Made up a day: {generate_day(source, day, market).summary()}")
        if not arguments.alone:
            out.print("The day before is paid first, so that this one can be compared with it.")
            generate_day(earlier, before, market)
            lean = ("--source", str(earlier), "--set", "contracts.data_docs=false")
            run("allocate_pool.py", "--date", str(before), *common, *lean, quiet=True)
    common += ["--date", str(day)]
    run("ingest_events.py", *common, "--source", str(source), "--format", layout)
    run("build_signals.py", *common)
    run("allocate_pool.py", *common)
    if arguments.data is None:
        videos = {TOXIC_VIDEO: "toxic, viral", EDUCATIONAL_VIDEO: "educational, small"}
        out.print(comparison(Warehouse(None, tables), day, videos))
    if not arguments.alone:
        run("creator_statements.py", *common)
    run("report.py", *common)
    print_next_steps(out, str(tables))


def run(script: str, *arguments: str, quiet: bool = False) -> None:
    """Run one job as a scheduler would; leave with its exit code if it fails."""
    shown = subprocess.DEVNULL if quiet else None
    ended = subprocess.run([sys.executable, str(JOBS / script), *arguments], check=False, stdout=shown)
    if ended.returncode:
        sys.exit(ended.returncode)


if __name__ == "__main__":
    run_job(main)
