"""What each creator is told: `spark-submit jobs/creator_statements.py --date 2026-11-21 --creator creator-000012`.

Publishes table `creator_statements`: a row and a plain text for each creator, compared with the last published day
before (or `--against`), whose changes it publishes too where they are not yet. `--creator` also prints that creator's
text. A day that was weighted differently needs its configuration: `--against-conf`, `--against-set`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import pyarrow.compute as pc

from creatorpool.display import display
from creatorpool.errors import InputError
from creatorpool.job import add_against_arguments, against_settings, job_night, job_parser, job_settings, run_job
from creatorpool.pipeline.explanation import publish_explanation
from creatorpool.pipeline.publication import last_paid_before
from creatorpool.pipeline.statements import TABLE, publish_statements
from creatorpool.quoting import lines


def main(argv: list[str]) -> None:
    """Publish the statements, and print the one asked for."""
    parser = job_parser("Write a statement for each creator of a published day.")
    add_against_arguments(parser, required=False)
    parser.add_argument("--creator", metavar="C", help="print this creator's statement")
    arguments = parser.parse_args(argv)
    settings = job_settings(arguments)
    with job_night(arguments, settings) as night:
        against = arguments.against or last_paid_before(night.warehouse, night.day)
        explanation = None if against is None else publish_explanation(night, against, against_settings(arguments))
        run = publish_statements(night, explanation)
        with display(night.day, "statement"):
            columns = ["creator_id", "statement"]
            rows = night.warehouse.read_arrow(TABLE, columns, day=night.day, version=run.outputs[TABLE])
            print(f"{rows.num_rows:,} statements of {night.day} are published in table {TABLE}")
            if arguments.creator is not None:
                own = rows.filter(pc.equal(rows.column("creator_id"), arguments.creator))
                if not own.num_rows:
                    raise InputError(f"creator '{arguments.creator}' has no statement of {night.day}")
                print(lines(own.column("statement")[0].as_py()), end="")


if __name__ == "__main__":
    run_job(main)
