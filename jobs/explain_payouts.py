"""Why did payouts change?

    python jobs/explain_payouts.py --date 2026-11-21 --against 2026-11-20 --creator creator-00012

publishes table `payout_changes` of two published days (if it is not there yet) and prints a statement in plain text:
what was earned in each pool, what changed and why, largest parts first. Without `--creator` and `--video` it is about
all creators. Days that were weighted differently need both configurations: `--conf` and `--set` are those of `--date`,
`--against-conf` and `--against-set` those of `--against`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import add_against_arguments, against_settings, job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.explanation import publish_explanation
from creatorpool.report.statement import statement_of, statement_text


def main(argv: list[str]) -> None:
    """Publish the changes, and print the statement asked for."""
    parser = job_parser("Split the change of every payout between two published days into its causes.")
    add_against_arguments(parser, required=True)
    parser.add_argument("--creator", metavar="C", help="a statement for this creator")
    parser.add_argument("--video", metavar="V", help="a statement for this video")
    arguments = parser.parse_args(argv)
    with job_night(arguments, job_settings(arguments)) as night:
        explanation = publish_explanation(night, arguments.against, against_settings(arguments))
        with display(night.day, "statement"):
            print(statement_text(statement_of(explanation, arguments.creator, arguments.video)), end="")


if __name__ == "__main__":
    run_job(main)
