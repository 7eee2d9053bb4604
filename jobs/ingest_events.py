"""Load one day's raw logs: `spark-submit jobs/ingest_events.py --date 2026-11-20 --source DIR --format native`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.ingestion import publish_ingestion


def main(argv: list[str]) -> None:
    """Publish the day's events, viewers, videos and revenue."""
    parser = job_parser("Load one day's raw logs into checked tables; what breaks a rule goes to quarantine.")
    parser.add_argument("--source", required=True, type=Path, help="folder of the day's logs")
    parser.add_argument("--format", choices=("native", "kuairand"), help="layout of the logs")
    arguments = parser.parse_args(argv)
    if arguments.format:
        arguments.assignments.append(f"ingest.format={arguments.format}")
    with job_night(arguments, job_settings(arguments)) as night:
        publish_ingestion(night, arguments.source)


if __name__ == "__main__":
    run_job(main)
