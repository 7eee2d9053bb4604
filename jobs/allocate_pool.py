"""The nightly job: `spark-submit jobs/allocate_pool.py --date 2026-11-20` pays out the day's pools."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.job import add_category_argument, job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.allocation import publish_payouts
from creatorpool.pipeline.ingestion import publish_ingestion
from creatorpool.report.summary import print_summary


def main(argv: list[str]) -> None:
    """Run whatever stage of the day is not published yet, then publish the payouts and print what came out."""
    parser = job_parser("Split each category's pool among the day's eligible videos and publish the payouts.")
    parser.add_argument("--source", type=Path, help="folder of the day's logs, if they are not ingested yet")
    add_category_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the same summary and write nothing")
    parser.add_argument("--republish", action="store_true", help="replace payouts that are already published")
    arguments = parser.parse_args(argv)
    with job_night(arguments, job_settings(arguments), dry_run=arguments.dry_run) as night:
        publish_ingestion(night, arguments.source)
        payouts = publish_payouts(night, arguments.category, republish=arguments.republish)
        print_summary(night, payouts)


if __name__ == "__main__":
    run_job(main)
