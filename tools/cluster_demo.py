"""`make cluster-demo`: runs a night on a standalone cluster that loses a worker, and checks the payouts."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from rich.console import Console
from tools.compared_payouts import print_compared
from tools.local_cluster import run_while_a_worker_dies, spark_submit, standalone_cluster

from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


def main() -> int:
    """Pay one made-up day twice, embedded and on the cluster, and compare every payout; return 0 if all are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("demo-output"))
    parser.add_argument("--events", type=int, default=200_000)
    arguments = parser.parse_args()
    out, place = Console(width=110), arguments.root.resolve() / "cluster"
    shutil.rmtree(place, ignore_errors=True)
    raw, alone, shared = place / "raw", place / "embedded", place / "tables"
    out.print(f"Made up a day: {generate_day(raw, DAY, SyntheticMarket(seed=7, n_events=arguments.events)).summary()}")
    job = Path(__file__).resolve().parents[1] / "jobs" / "allocate_pool.py"
    night = ["--date", str(DAY), "--source", str(raw), "--set", "contracts.data_docs=false"]
    night += ["--set", "ingest.max_quarantined_share=0.5"]  # a small made-up day brings a broken row of every kind

    out.print("Running the night on the embedded engine, for comparison …")
    subprocess.run([sys.executable, job, *night, "--root", alone], check=True, capture_output=True)
    out.print("Running it on a cluster with two workers; worker-0 is killed when the signals begin …")
    with standalone_cluster(place / "cluster") as cluster:
        submitted = spark_submit(cluster.address, Path(sys.executable), job, *night, "--root", shared)
        code, lines = run_while_a_worker_dies(cluster, submitted, "signals: begins")
        workers = cluster.workers_that_took_part()
    shown = [line for line in lines if "run=" in line or "Lost" in line]
    out.print("\n".join(shown if code == 0 else lines), markup=False, highlight=False)
    if code:
        out.print(f"The night ended with exit code {code}.")
        return code
    out.print(f"\nWorkers that took part: {', '.join(sorted(workers))}; worker-0 was killed.\n")
    return print_compared(out, {"embedded": Warehouse(None, alone), "cluster": Warehouse(None, shared)})


if __name__ == "__main__":
    sys.exit(main())
