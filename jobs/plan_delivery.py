"""Response of clicks to impressions, and the plan of a day: `spark-submit jobs/plan_delivery.py --date 2026-11-20`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.delivery import plan_frontier
from creatorpool.display import display
from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.delivery import content_history, publish_delivery, published_problem
from creatorpool.report.charts import chart_path, draw
from creatorpool.report.console import PlainConsole
from creatorpool.report.curve_chart import content_chart
from creatorpool.report.delivery_summary import curve_table, plan_table
from creatorpool.report.plan_chart import plan_frontier_chart


def main(argv: list[str]) -> None:
    """Publish the day's p2c_parameters and delivery_plan, print them in short, and draw what is asked for."""
    parser = job_parser("Fit response curves of clicks to impressions, and plan a day's impressions.")
    parser.add_argument("--content", action="append", default=[], metavar="C", help="draw its curves; may be repeated")
    parser.add_argument("--frontier", action="store_true", help="draw the frontier of views and even click rates")
    parser.add_argument(
        "--chart", metavar="FILE", help="an .svg or .html file of the contents; default <root>/_reports"
    )
    arguments = parser.parse_args(argv)
    wanted = chart_path(arguments.chart) if arguments.chart else None
    with job_night(arguments, job_settings(arguments)) as night:
        run = publish_delivery(night)
        console, version = PlainConsole(width=120), run.outputs["p2c_parameters"]
        with display(night.day, "summary"):
            console.print(curve_table(night.warehouse.read_arrow("p2c_parameters", day=night.day, version=version)))
            if "plan" in run.rows:
                console.print(plan_table(run.rows["plan"]))
        if arguments.content:
            draw(night, "response-curves", content_chart(*content_history(night, run, arguments.content)), wanted)
        if arguments.frontier and (day := published_problem(night, run)) is not None:
            draw(night, "delivery-frontier", plan_frontier_chart(plan_frontier(day.problem)), None)


if __name__ == "__main__":
    run_job(main)
