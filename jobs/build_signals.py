"""Signals and quality of one day's videos: `spark-submit jobs/build_signals.py --date 2026-11-20`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.signals import publish_signals
from creatorpool.report.summary import coverage_line


def main(argv: list[str]) -> None:
    """Publish the day's video_signals and video_quality."""
    arguments = job_parser("Compute the day's trust-weighted signals and quality scores.").parse_args(argv)
    with job_night(arguments, job_settings(arguments)) as night:
        signals = publish_signals(night)
        with display(night.day, "summary"):
            print(coverage_line(signals.quality))


if __name__ == "__main__":
    run_job(main)
