"""Compares similar items with those of `implicit` on the same matrix, and measures the candidates job on both engines.

    python benchmarks/recommend.py                                # a million interactions, both parts
    python benchmarks/recommend.py --millions 10                  # 100 thousand videos, 500 thousand viewers
    python benchmarks/recommend.py --millions 10 --part job

Each 100,000 interactions have a thousand videos and five thousand viewers. The first part needs `implicit` (the extra
`bench`). The benchmark stops unless both find the same neighbours: similarities equal to 1e-9, and the same videos
wherever two similarities differ by more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse

from creatorpool.recommend import interaction_matrix, top_similar
from creatorpool.runs.ledger import INGEST, StageRun, publish_run
from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.stages.candidates import publish_candidates
from creatorpool.stages.context import RunContext
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
TABLES = ("events", "viewers", "videos")
ENGINES = ("embedded", "spark")
THREADS = 2
TOLERANCE = 1e-9

Result = TypeVar("Result")


def main() -> None:
    """Measure and print a table for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=1.0, help="interactions, in millions")
    parser.add_argument("--neighbours", type=int, default=50)
    parser.add_argument("--part", choices=("neighbours", "job"), action="append", help="default: both")
    parser.add_argument("--folder", type=Path, help="where the tables go, and stay; default: a temporary folder")
    parser.add_argument("--contender", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        print(json.dumps(measure_job(arguments.contender, arguments.folder)))
        return
    out, parts = Console(width=110), arguments.part or ["neighbours", "job"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (arguments.folder or Path(scratch)) / f"{arguments.millions:g}M"
        prepare(folder, round(arguments.millions * 1e6))
        if "neighbours" in parts:
            out.print(neighbours_table(matrix_of(folder), arguments.neighbours))
        if "job" in parts:
            out.print(job_table(folder, arguments.millions))


def prepare(folder: Path, interactions: int) -> None:
    """Store and publish a day with so many events under `folder`, unless it is there."""
    if (folder / "tables" / "stage_runs").is_dir():
        return
    market = SyntheticMarket(
        seed=11,
        n_events=interactions,
        n_videos=max(interactions // 100, 100),
        n_viewers=max(interactions // 20, 100),
        dirty_share=0.0,
    )
    generate_day(folder / "raw", DAY, market, tables=TABLES)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import recommend;"
        "recommend.store(Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(folder)], check=True)


def store(folder: Path) -> None:
    """Ingest the raw files into published Delta tables; runs in its own process, which starts the engine."""
    with open_session("embedded", load_settings().engine) as session:
        warehouse, versions = Warehouse(session, folder / "tables"), {}
        for table in TABLES:
            place = folder / "raw" / (table if table == "events" else f"{table}.parquet")
            rows = session.read.parquet(str(place))
            versions[table] = (
                warehouse.replace_day(rows, table, DAY) if table == "events" else warehouse.overwrite(rows, table)
            )
        moment = datetime(2026, 11, 21, tzinfo=UTC)
        publish_run(warehouse, StageRun(DAY, INGEST, "ingest", "0" * 64, "0", {}, versions, {}, moment, moment))


def matrix_of(folder: Path) -> sparse.csr_matrix:
    """The interaction matrix of the stored events, by the rules of conf/base.yaml."""
    warehouse = Warehouse(None, folder / "tables")
    events = warehouse.read_arrow("events", ["viewer_id", "video_id", "watch_ms", "liked"], day=DAY)
    videos = warehouse.read_arrow("videos", ["video_id", "length_ms"]).sort_by("video_id")
    place = {name: position for position, name in enumerate(videos["video_id"].to_pylist())}
    coded = {name: events[name].combine_chunks().dictionary_encode() for name in ("viewer_id", "video_id")}
    item = np.array([place[name] for name in coded["video_id"].dictionary.to_pylist()])[coded["video_id"].indices]
    watched = events["watch_ms"].to_numpy()
    rules = (events["liked"].to_numpy(), watched >= 0.5 * videos["length_ms"].to_numpy()[item], watched < 3000)
    score = np.select(rules, (2.0, 1.0, -2.0), -0.5)
    return interaction_matrix(item, np.asarray(coded["viewer_id"].indices), score)


def neighbours_table(matrix: sparse.csr_matrix, k: int) -> Table:
    """Seconds of `top_similar` and of implicit, and the difference of their results."""
    from implicit.nearest_neighbours import CosineRecommender

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    top_similar(matrix[:, :1000], k)  # compiles the kernels
    ours_seconds, ours = _timed(lambda: top_similar(matrix, k))
    by_user = matrix.T.tocsr()
    peer = CosineRecommender(K=k + 1, num_threads=THREADS)  # an item is its own first neighbour
    their_seconds, _ = _timed(lambda: peer.fit(by_user, show_progress=False))
    worst, pairs = compare(peer.similarity, ours.index, ours.similarity)
    table = Table(
        title=f"Neighbours, k = {k}: {matrix.nnz:,} entries, {matrix.shape[0]:,} videos, {matrix.shape[1]:,} viewers"
    )
    for name in ("contender", "wall s", "CPU s", "neighbours compared", "largest difference"):
        table.add_column(name, justify="left" if name == "contender" else "right")
    table.add_row("creatorpool", *(f"{value:.2f}" for value in ours_seconds), f"{pairs:,}", f"{worst:.0e}")
    table.add_row("implicit", *(f"{value:.2f}" for value in their_seconds), "", "")
    return table


def compare(theirs: sparse.csr_matrix, index: np.ndarray, similarity: np.ndarray) -> tuple[float, int]:
    """Largest difference of similarities at the same rank, and their number; stops if neighbours differ."""
    worst, pairs = 0.0, 0
    for item in range(index.shape[0]):
        part = slice(theirs.indptr[item], theirs.indptr[item + 1])
        other, value = theirs.indices[part], theirs.data[part]
        kept = (other != item) & (value > TOLERANCE)
        order = np.lexsort((other[kept], -value[kept]))[: index.shape[1]]
        other, value = other[kept][order], value[kept][order]
        own, mine = index[item][index[item] >= 0], similarity[item][index[item] >= 0]
        sizes_agree = own.size == other.size
        gap = np.abs(value - mine).max(initial=0.0) if sizes_agree else np.inf
        # If the next similarity is within rounding, both orders are right.
        last = value[-1] if value.size else 0.0
        clear = {int(o) for o, v in zip(other, value, strict=True) if v > last + TOLERANCE}
        if gap > TOLERANCE or not clear <= set(own.tolist()):
            raise SystemExit(f"neighbours of item {item} differ: {own}, {other}")
        worst, pairs = max(worst, float(gap)), pairs + own.size
    return worst, pairs


def job_table(folder: Path, millions: float) -> Table:
    """Seconds of the stage on both engines, each in its own process."""
    table = Table(title=f"creatorpool candidates on {millions:g} M interactions, {os.cpu_count()} cores; seconds")
    for name in ("engine", "stage", "of it contracts", "neighbours", "candidates", "memory"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for engine in ENGINES:
        command = [sys.executable, __file__, "--contender", engine, "--folder", str(folder)]
        ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        memory = f"{found['gigabytes']:.1f} GB" if engine == "embedded" else "JVM apart"
        counts = (f"{found[name]:,}" for name in ("item_similarity", "candidates"))
        table.add_row(engine, f"{found['stage']:.0f}", f"{found['contracts']:.0f}", *counts, memory)
    require_equal_outputs(folder)
    return table


def measure_job(engine: str, folder: Path) -> dict[str, float]:
    """Seconds of the stage on one engine, from a copy of the published tables."""
    root = folder / f"tables-{engine}"
    subprocess.run(["rm", "-rf", str(root)], check=True)
    subprocess.run(["cp", "-r", str(folder / "tables"), str(root)], check=True)
    settings = load_settings(assignments=["contracts.data_docs=false"])
    with open_session(engine, settings.engine) as session:
        night = RunContext(Warehouse(session, root), settings, DAY)
        run = publish_candidates(night)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    seconds = {"stage": night.seconds["recommend"], "contracts": night.seconds["contracts"]}
    return {**seconds, **run.rows, "gigabytes": peak}


def require_equal_outputs(folder: Path) -> None:
    """Stop unless the tables of both engines have the same rows."""
    for table, key in (("item_similarity", "video_id"), ("candidates", "viewer_id")):
        keys = [(key, "ascending"), ("rank", "ascending")]
        first, second = (
            Warehouse(None, folder / f"tables-{engine}").read_arrow(table, day=DAY).sort_by(keys) for engine in ENGINES
        )
        if not first.equals(second):
            raise SystemExit(f"{table} differs between the engines")


def _timed(run: Callable[[], Result]) -> tuple[tuple[float, float], Result]:
    """(wall, processor) seconds of a call, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return (time.perf_counter() - wall, time.process_time() - cpu), result


if __name__ == "__main__":
    main()
