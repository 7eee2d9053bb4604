"""What entrants' tests show of incentives: `spark-submit jobs/estimate_incentives.py --date 2026-11-20`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.cohorts.summary import summary_table
from creatorpool.display import display
from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.incentives import publish_incentives
from creatorpool.report.console import PlainConsole


def main(argv: list[str]) -> None:
    """Publish the day's cohort_incentives, continuation_values and policy_advice, and print them in short."""
    arguments = job_parser("Estimate pass curves, bounties and the advice on test policies.").parse_args(argv)
    with job_night(arguments, job_settings(arguments)) as night:
        run = publish_incentives(night)
        with display(night.day, "summary"):
            rows = {
                table: night.warehouse.read_arrow(table, day=night.day, version=version).to_pylist()
                for table, version in run.outputs.items()
            }
            PlainConsole(width=120).print(summary_table(rows["cohort_incentives"], rows["policy_advice"]))


if __name__ == "__main__":
    run_job(main)
