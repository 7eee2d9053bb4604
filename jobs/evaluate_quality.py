"""Does a configuration score videos better than another?

    python jobs/evaluate_quality.py --date 2026-11-20 --conf conf/recommended.yaml

compares the configuration of `--conf` and `--set` with that of `--against`, which is conf/base.yaml alone if not given.
It reads published events and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from rich.table import Table

from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.evaluation import Evaluation, EvaluationRules, evaluate, published_window
from creatorpool.quality.evaluate import Estimate
from creatorpool.report.console import PlainConsole
from creatorpool.settings import load_settings


def main(argv: list[str]) -> None:
    """Print both configurations side by side."""
    arguments = _parser().parse_args(argv)
    settings, against = job_settings(arguments), load_settings(arguments.against)
    rules = EvaluationRules(arguments.min_viewers, arguments.long_view_ms, arguments.draws, arguments.seed)
    with job_night(arguments, settings) as night:
        window = published_window(night.warehouse, arguments.date, arguments.days)
        PlainConsole(width=110).print(_table(evaluate(window, settings, against, rules)))


def _parser() -> argparse.ArgumentParser:
    parser = job_parser("Compare two configurations by coverage, reliability and prediction.")
    parser.add_argument(
        "--against", action="append", default=[], type=Path, metavar="FILE", help="overlay of the other configuration"
    )
    parser.add_argument("--days", type=_positive, default=1, help="days up to --date whose events count as one window")
    parser.add_argument("--min-viewers", type=_positive, default=5, help="viewers that a video needs in each half")
    parser.add_argument(
        "--long-view-ms", type=_positive, default=18_000, help="this long, or the whole video, is a long view"
    )
    parser.add_argument("--draws", type=_positive, default=200, help="bootstrap samples for the intervals")
    parser.add_argument("--seed", type=int, default=1, help="of the split and of the bootstrap")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _table(evaluation: Evaluation) -> Table:
    title = f"{evaluation.videos:,} eligible videos; {evaluation.videos_compared:,} of them split into halves"
    caption = "intervals of 95 % over resampled videos; difference = this - against, on the same videos"
    table = Table("", "this", "against", "difference", title=title, caption=caption)
    this, other = evaluation.coverage
    table.add_row("coverage: share with Q > 0", f"{this:.3f}", f"{other:.3f}", f"{this - other:+.3f}")
    labels = {
        "reliability": "reliability: rank correlation of Q between halves",
        "prediction": "prediction: of Q with the other half's long views",
    }
    for row in evaluation.comparisons:
        table.add_row(labels[row.measure], _cell(row.first), _cell(row.second), _cell(row.difference, "+"))
    return table


def _cell(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


if __name__ == "__main__":
    run_job(main)
