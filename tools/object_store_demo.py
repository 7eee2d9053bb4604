"""`make object-store-demo`: runs a night on an S3 server of this machine, on both engines, and checks the payouts."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from rich.console import Console
from tools.compared_payouts import print_compared
from tools.object_store import ObjectStore, object_store, server_program
from tools.resolve_s3_jars import has_s3_jars, s3_setting

from creatorpool.storage.places import tables_root
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


def main() -> int:
    """Pay one made-up day in a folder and in the store, on each engine, and compare; return 0 if all are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("demo-output"))
    parser.add_argument("--events", type=int, default=50_000)
    arguments = parser.parse_args()
    out, place = Console(width=110), arguments.root.resolve() / "object-store"
    if server_program() is None:
        out.print("versitygw is not here, and could not be built: install Go, and run the target again.")
        return 1
    shutil.rmtree(place, ignore_errors=True)
    with object_store(place) as store:
        os.environ.update(store.environment())
        made = generate_day(store.bucket / "raw", DAY, SyntheticMarket(seed=7, n_events=arguments.events))
        out.print(f"Made up a day in {store.uri('raw')}: {made.summary()}")
        roots = {"folder": str(place / "folder"), "embedded": store.uri("embedded")}
        engines = {"folder": "embedded", "embedded": "embedded"}
        if has_s3_jars():
            roots["spark"], engines["spark"] = store.uri("spark"), "spark"
        else:
            out.print("Spark has no client for S3 here (tools/resolve_s3_jars.py): the embedded engine runs alone.")
        for name, root in roots.items():
            out.print(f"Running the night on {engines[name]}, tables under {root} …")
            if code := _night(store, root, engines[name]):
                return code
        warehouses = {name: Warehouse(None, tables_root(root)) for name, root in roots.items()}
        calm = warehouses.pop("folder")
        return max(print_compared(out, {"folder": calm, f"S3, {name}": one}) for name, one in warehouses.items())


def _night(store: ObjectStore, root: str, engine: str) -> int:
    """Run the night, and show its log; return its exit code."""
    job = Path(__file__).resolve().parents[1] / "jobs" / "allocate_pool.py"
    words = ["--date", str(DAY), "--source", store.uri("raw"), "--root", root, "--engine", engine]
    words += ["--set", "ingest.max_quarantined_share=0.5"]  # a small made-up day brings a broken row of every kind
    if engine == "spark":
        words += ["--set", s3_setting()]
    return subprocess.run([sys.executable, job, *words], check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
