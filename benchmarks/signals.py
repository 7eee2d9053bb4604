"""Compares the signals stage on both engines with DuckDB on the same files, in one run.

Events are generated once for each size and stored in the Delta table `events`. Each contender reads the table's files,
computes the same columns and writes them; the outputs are compared. Engines run in their own processes, in turn with
DuckDB. Seconds are medians of warm repetitions; "cold" is the first repetition. Starting sessions and generating events
are not counted. The ratio of processor seconds follows each ratio of seconds: load on the machine changes it less.

    python benchmarks/signals.py                # 20 M events
    python benchmarks/signals.py --millions 5 20 60
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from processes import processor_seconds  # type: ignore[import-not-found]  # a neighbour of this script
from rich.console import Console
from rich.table import Table

from creatorpool.actions import ACTIONS
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.session import open_session
from creatorpool.settings import Settings, load_settings
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
TABLES = ("events", "viewers", "videos")
THREADS = 2
ENGINES = ("embedded", "spark")


def main() -> None:
    """Measure each size and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[20.0], help="events, in millions")
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the tables go, and stay; default: a temporary folder")
    parser.add_argument("--contender", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        print(json.dumps(measure_engine(arguments.contender, arguments.folder, arguments.repetitions)))
        return
    out = Console(width=110)
    table = Table(title=f"Signals stage, {THREADS} threads; seconds, median of warm runs (cold)", title_justify="left")
    for name in ("events", "DuckDB", "embedded", "embedded / DuckDB", "Spark", "Spark / DuckDB", "memory"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as scratch:
        for millions in arguments.millions:
            folder = (arguments.folder or Path(scratch)) / f"{millions:g}M"
            prepare(folder, round(millions * 1e6))
            table.add_row(f"{millions:g} M", *compare(folder, arguments.repetitions))
    out.print(table)


def prepare(folder: Path, events: int) -> None:
    """Store a day of `events` events in Delta tables under `folder`, by the embedded engine, unless they are there."""
    if (folder / "tables" / "events").is_dir():
        return
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=11, n_events=events, dirty_share=0.0), tables=TABLES)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import signals;"
        "signals.store(Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(folder)], check=True)


def store(folder: Path) -> None:
    """Ingest the raw files into Delta tables; runs in its own process, which starts the engine."""
    with open_session("embedded", load_settings().engine) as session:
        warehouse = Warehouse(session, folder / "tables")
        for table in TABLES:
            place = folder / "raw" / (table if table == "events" else f"{table}.parquet")
            rows = session.read.parquet(str(place))
            if table == "events":
                warehouse.replace_day(rows, table, DAY)
            else:
                warehouse.overwrite(rows, table)


def compare(folder: Path, repetitions: int) -> list[str]:
    """One row of the table: all contenders on one size; their outputs must equal DuckDB's."""
    settings = load_settings()
    duck = timed(lambda: duckdb_signals(folder, settings), repetitions)
    reference = pq.read_table(folder / "duckdb.parquet").sort_by("video_id")
    cells, memory = [f"{duck['warm']:.2f} ({duck['cold']:.1f})"], []
    for engine in ENGINES:
        command = [sys.executable, __file__, "--contender", engine, "--folder", str(folder)]
        ended = subprocess.run(
            [*command, "--repetitions", str(repetitions)], check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(ended.stdout.splitlines()[-1])
        require_equal(reference, Warehouse(None, folder / "out" / engine).read_arrow("video_signals", day=DAY))
        ratios = [found[kind] / duck[kind] for kind in ("warm", "processor")]
        cells += [f"{found['warm']:.2f} ({found['cold']:.1f})", f"{ratios[0]:.2f} × (cpu {ratios[1]:.2f} ×)"]
        memory.append(f"{found['gigabytes']:.1f}")
    return [*cells, " / ".join(memory) + " GB"]


def measure_engine(engine: str, folder: Path, repetitions: int) -> dict[str, float]:
    """Seconds of the stage, as a night runs it, on one engine; the process then ends."""
    settings = load_settings(assignments=["engine.driver_memory=8g", "engine.shuffle_partitions=16"])
    with open_session(engine, settings.engine) as session:
        source, target = Warehouse(session, folder / "tables"), Warehouse(session, folder / "out" / engine)

        def run() -> None:
            inputs = (source.read("events", day=DAY), source.read("viewers"), source.read("videos"))
            target.replace_day(video_signals(*inputs, settings.signals), "video_signals", DAY)

        seconds = timed(run, repetitions)
        # The peak of this process, and the JVM's present memory if there is one: its heap never shrinks.
        held = sum(child.memory_info().rss for child in psutil.Process().children(recursive=True))
    return seconds | {"gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 + held / 1e9}


def timed(run: Callable[[], object], repetitions: int) -> dict[str, float]:
    """Seconds of the first run, and medians of the others: seconds, and processor seconds of all processes."""
    seconds, processor = [], []
    for _ in range(repetitions):
        began, busy = time.perf_counter(), processor_seconds()
        run()
        seconds.append(time.perf_counter() - began)
        processor.append(processor_seconds() - busy)
    warm, warm_processor = (statistics.median(values[1:] or values) for values in (seconds, processor))
    return {"cold": seconds[0], "warm": warm, "processor": warm_processor}


def duckdb_signals(folder: Path, settings: Settings) -> None:
    """Compute the same result by DuckDB, from the same files, to Parquet."""
    tables = Warehouse(None, folder / "tables")
    connection = duckdb.connect(config={"threads": THREADS})
    for table in TABLES:
        files = tables.files(table)
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({files!r})")
    connection.execute(f"COPY ({duckdb_query(settings)}) TO '{folder / 'duckdb.parquet'}'")


def duckdb_query(settings: Settings) -> str:
    """The query of formulas §1 in DuckDB's SQL, for the configured weights."""
    tiers, beta = sorted(settings.signals.tiers.items()), settings.signals.action_weights

    def weighted(quantity: str) -> str:
        return " + ".join(
            f"{weight!r}::DOUBLE * sum(CASE WHEN trust_tier = '{tier}' THEN {quantity} ELSE 0 END)"
            for tier, weight in tiers
        )

    flags = {action.name: action.event_column for action in ACTIONS}
    sums = ", ".join(f"{weighted(f'{flag}::INT')} AS w_{action}" for action, flag in flags.items())
    every = " + ".join(f"w_{action}" for action in flags)
    entropy = " + ".join(
        f"CASE WHEN w_{action} = 0 THEN 0 ELSE w_{action} / ({every}) * ln(w_{action} / ({every})) END"
        for action in flags
    )
    engagement = " + ".join(f"{getattr(beta, action)!r}::DOUBLE * w_{action} / trust_weight" for action in flags)
    taken = ", ".join(f"bool_or({flag}) AS {flag}" for flag in flags.values())
    rates = ", ".join(f"w_{action} / trust_weight AS {action}_rate" for action in flags)
    return f"""
        WITH pairs AS (
            SELECT video_id, viewer_id, sum(watch_ms) AS watched, sum(coalesce(loop_count, 0)) AS loops,
                   {taken}, count(*) FILTER (watch_ms >= 1) AS views
            FROM events GROUP BY video_id, viewer_id
        ), joined AS (
            SELECT pairs.*, length_ms, trust_tier FROM pairs JOIN videos USING (video_id) JOIN viewers USING (viewer_id)
        ), sums AS (
            SELECT video_id, sum(views)::BIGINT AS views, count(*) AS viewers, {weighted("1")} AS trust_weight,
                   {weighted("least(watched, length_ms)")} AS watched, max(length_ms) AS full_ms, {sums},
                   {weighted("(watched > length_ms OR loops > 1)::INT")} AS again
            FROM joined GROUP BY video_id
        )
        SELECT video_id, views, viewers, trust_weight, watched / (full_ms * trust_weight) AS watch_completion,
               least(1, {engagement}) AS engagement_rate,
               CASE WHEN {every} = 0 THEN 0 ELSE -({entropy}) / ln({len(flags)}) END AS engagement_diversity,
               again / trust_weight AS rewatch,
               greatest(0, s_pos - {settings.signals.toxicity_penalty!r}::DOUBLE * s_tox) AS safety, {rates}
        FROM sums JOIN videos USING (video_id) WHERE views > 0
    """


def require_equal(reference: pa.Table, found: pa.Table) -> None:
    """Stop unless both have the same videos, the same counts and the same numbers to 1e-12."""
    found = found.sort_by("video_id")
    if reference.column("video_id").to_pylist() != found.column("video_id").to_pylist():
        sys.exit(f"other videos: {reference.num_rows} against {found.num_rows}")
    for name in reference.column_names[1:]:
        expected, got = (rows.column(name).to_numpy().astype(float) for rows in (reference, found))
        if not np.allclose(expected, got, rtol=1e-12, atol=1e-12):
            sys.exit(f"column {name} differs by up to {np.abs(expected - got).max()}")


if __name__ == "__main__":
    main()
