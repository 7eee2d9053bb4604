"""Similar videos and candidates for each viewer: `spark-submit jobs/build_candidates.py --date 2026-11-20`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.candidates import publish_candidates
from creatorpool.report.candidates_summary import candidates_table
from creatorpool.report.console import PlainConsole


def main(argv: list[str]) -> None:
    """Publish the day's item_similarity and candidates, and say in short what they hold."""
    arguments = job_parser("Build similar videos and candidates from the window's events.").parse_args(argv)
    with job_night(arguments, job_settings(arguments)) as night:
        run = publish_candidates(night)
        with display(night.day, "summary"):
            PlainConsole(width=120).print(candidates_table(run.rows))


if __name__ == "__main__":
    run_job(main)
