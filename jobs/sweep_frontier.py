"""What would the day's pools look like at another λ or α?

    python jobs/sweep_frontier.py --date 2026-11-20 --target gini=0.6

splits each published pool under every setting of `frontier.alpha` and `frontier.lambda_eff` with both objectives,
writes table `allocation_frontier`, draws it, and finds the λ that reaches the target. It pays nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import job_night, job_settings, run_job, study_parser
from creatorpool.pipeline.frontier import Target, publish_frontier
from creatorpool.report.charts import chart_path, draw
from creatorpool.report.console import PlainConsole
from creatorpool.report.frontier_chart import frontier_chart
from creatorpool.report.frontier_summary import print_frontiers


def main(argv: list[str]) -> None:
    """Sweep, publish the table, draw, and print what was found."""
    parser = study_parser("Measure the day's pools under other settings of the dial between fairness and efficiency.")
    parser.add_argument("--target", metavar="MEASURE=VALUE", help="gini, top1pct or small_creator_share, as gini=0.6")
    arguments = parser.parse_args(argv)
    target = Target.parse(arguments.target) if arguments.target else None
    chart = chart_path(arguments.chart) if arguments.chart else None
    with job_night(arguments, job_settings(arguments)) as night:
        frontiers = publish_frontier(night, arguments.category, target)
        with display(night.day, "summary"):
            print_frontiers(PlainConsole(width=110), frontiers, target)
        if frontiers:
            draw(night, "frontier", frontier_chart(frontiers), chart)


if __name__ == "__main__":
    run_job(main)
