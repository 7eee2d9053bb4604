"""How clicks respond to impressions: `spark-submit jobs/plan_delivery.py --date 2026-11-20`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from rich.console import Console

from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.delivery import day_delivery
from creatorpool.report.delivery_summary import curve_table


def main(argv: list[str]) -> None:
    """Publish the day's p2c_parameters and print them in short."""
    arguments = job_parser("Fit response curves of clicks to impressions.").parse_args(argv)
    with job_night(arguments, job_settings(arguments)) as night:
        run = day_delivery(night)
        version = run.outputs["p2c_parameters"]
        curves = night.warehouse.read_arrow("p2c_parameters", day=night.day, version=version)
        Console(width=120).print(curve_table(curves))


if __name__ == "__main__":
    run_job(main)
