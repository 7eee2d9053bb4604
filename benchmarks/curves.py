"""Response curves of many contents: the stage on both engines, and the batch fit against one solver call per content.

python benchmarks/curves.py                     # 50,000 contents in 2 drawers, 42 days
python benchmarks/curves.py --contents 5000 --engines embedded
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from scipy.optimize import least_squares

from creatorpool.delivery import DailySeries, FitRules, daily_series, fit_series
from creatorpool.delivery.fitting_problem import curve_problem
from creatorpool.delivery.suitability import assess
from creatorpool.runs.ledger import INGEST, StageRun, publish_run
from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.delivery import publish_delivery
from creatorpool.synthetic.delivery import DeliveryMarket, draw_delivery, exposure_rows
from creatorpool.tables import Warehouse

FIRST, DAYS = date(2026, 10, 10), 42
DAY = FIRST + timedelta(days=DAYS - 1)
PEER_CONTENTS = 300


def main() -> None:
    """Print one table of the stage and one of the solvers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contents", type=int, default=50_000, help="each in 2 drawers")
    parser.add_argument("--engines", nargs="*", default=["embedded", "spark"])
    parser.add_argument("--stage", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps(run_stage(arguments.engines[0], arguments.stage)))
        return
    truth = draw_delivery(DeliveryMarket(arguments.contents, FIRST, DAYS, new_contents=arguments.contents // 50))
    rows = truth.pv.reshape(-1, DAYS)
    series = daily_series(np.arange(len(rows) + 1) * DAYS, rows.ravel(), truth.click.reshape(-1, DAYS).ravel())
    solvers = solver_table(series)
    table = Table(title=f"{len(rows):,} contents × drawers, {DAYS} days: the stage", title_justify="left")
    for name in ("engine", "rows of p2c_parameters", "stage, s", "processor time, s"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as scratch:
        pq.write_table(exposure_rows(truth), Path(scratch) / "exposure.parquet")
        for engine in arguments.engines:
            found = timed_stage(engine, scratch)
            table.add_row(engine, f"{found['rows']:,.0f}", f"{found['seconds']:.0f}", f"{found['processor']:.0f}")
    console = Console(width=120)
    console.print(table)
    console.print(solvers)


def timed_stage(engine: str, folder: str) -> dict[str, float]:
    """Seconds of the stage, in its own process."""
    command = [sys.executable, __file__, "--stage", folder, "--engines", engine]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_stage(engine: str, folder: Path) -> dict[str, float]:
    """Store the exposures, publish their days, and time only the stage."""
    settings = load_settings(assignments=["contracts.data_docs=false"])
    with open_session(engine, settings.engine) as session:
        warehouse = Warehouse(session, folder / engine)
        version = warehouse.append(session.read.parquet(str(folder / "exposure.parquet")), "content_exposure")
        moment = datetime.now(UTC)
        for number in range(DAYS):
            day = FIRST + timedelta(days=number)
            outputs = {"content_exposure": version}
            publish_run(warehouse, StageRun(day, INGEST, f"i-{day}", "0" * 64, "0", {}, outputs, {}, moment, moment))
        began, before = time.monotonic(), processor_seconds()
        run = publish_delivery(RunContext(warehouse, settings, DAY))
        return {
            "seconds": time.monotonic() - began,
            "processor": processor_seconds() - before,
            "rows": run.rows["p2c_parameters"],
        }


def processor_seconds() -> float:
    """Processor seconds of this process and its ended children."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in family)


def solver_table(series: DailySeries) -> Table:
    """Seconds for 100,000 contents, and the agreement of both solvers."""
    fit_series(series.where(series.owner < 10))  # compiles the kernels
    began = time.process_time()
    fit = fit_series(series).fit
    ours = (time.process_time() - began) / len(series) * 1e5
    began = time.process_time()
    peer = [peer_fit(series, content) for content in range(PEER_CONTENTS)]
    theirs = (time.process_time() - began) / PEER_CONTENTS * 1e5
    same = [
        abs(found[0] / fit.y_max[content] - 1) < 0.01
        for content, found in enumerate(peer)
        if found is not None and fit.converged[content]
    ]
    table = Table(title="Fits alone: processor seconds for 100,000 contents", title_justify="left")
    for name in ("solver", "seconds", "same y_max within 1 %"):
        table.add_column(name, justify="right")
    table.add_row("one batch, compiled", f"{ours:.1f}", "–")
    table.add_row(f"scipy least_squares, 3 starts, from {PEER_CONTENTS}", f"{theirs:.0f}", f"{np.mean(same):.0%}")
    return table


def peer_fit(series: DailySeries, content: int) -> tuple[float, float] | None:
    """(y_m, r) of one content by scipy on the same days, penalties and box."""
    own = series.where(series.owner == content)
    alone = DailySeries(np.array([0, own.pv.size]), own.pv, own.click)
    days = assess(alone, FitRules().min_points)
    if days.reason[0]:
        return None
    problem = curve_problem(days, FitRules().regularisation, None)
    d, z = days.rising.pv - days.rising.pv[0], np.log10(days.rising.click)
    low = np.append(problem.low[0], z[0] - 1.0)
    high = np.append(problem.high[0], z[-1])

    def residuals(p: np.ndarray, centre: np.ndarray) -> np.ndarray:
        odds = np.maximum(10.0 ** (p[0] - p[2]) - 1.0, 0.0)
        curve = p[0] - np.log10(1.0 + odds * np.exp(-np.exp(p[1]) * d))
        return np.concatenate([curve - z, 0.1 * (p[:2] - centre)])

    starts = [np.array([z[-1] + 0.1, np.log(rate / d[-1]), z[0]]) for rate in (0.7, 2.0, 5.0)]
    centre = problem.centre[0]
    for _ in range(2):
        inside = [np.clip(start, low + 1e-9, high - 1e-9) for start in starts]
        found = [least_squares(residuals, start, args=(centre,), bounds=(low, high)) for start in inside]
        best = min(found, key=lambda result: result.cost)
        centre, starts = best.x[:2], [best.x]
    return float(10.0 ** best.x[0]), float(np.exp(best.x[1]))


if __name__ == "__main__":
    main()
