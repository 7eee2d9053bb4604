"""What the day's payouts look like, as one page: `python jobs/report.py --date 2026-11-20`.

The page opens from disk, needs no network, and shows published rows only. It takes no engine to make.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.errors import InputError
from creatorpool.job import job_parser, job_root, logger, run_job
from creatorpool.report.charts import REPORTS
from creatorpool.report.nightly.page import write_page
from creatorpool.report.nightly.published import report_day
from creatorpool.tables import Warehouse


def main(argv: list[str]) -> None:
    """Write the page beside the tables, or to the file asked for."""
    parser = job_parser("Write the nightly report of a published day as one page of HTML.")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: <root>/_reports/night-<date>.html")
    arguments = parser.parse_args(argv)
    root = job_root(arguments)
    path = arguments.output
    if path is None:
        if not isinstance(root, Path):
            raise InputError(f"tables under {root} are not in a folder of this machine: name a file with --output")
        path = root / REPORTS / f"night-{arguments.date}.html"
    write_page(report_day(Warehouse(None, root), arguments.date), path)
    logger.info("report in %s", path)
    print(f"Report: {path}")


if __name__ == "__main__":
    run_job(main)
