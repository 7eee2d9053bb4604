"""Ask the tables in SQL: `python jobs/query.py --root demo-output/tables "SELECT * FROM creator_payouts LIMIT 5"`."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.contracts import load_contracts
from creatorpool.job import add_common_arguments, job_settings, job_warehouse, run_job
from creatorpool.pipeline.publication import published_rows
from creatorpool.quoting import lines


def main(argv: list[str]) -> None:
    """Print what a query on the tables gives; each table is known by its name, and shows published days only."""
    parser = argparse.ArgumentParser(description="Run one SQL query on the tables.")
    add_common_arguments(parser)
    parser.add_argument("sql", help="Spark SQL")
    parser.add_argument("--rows", type=int, default=50, help="rows to print at the most")
    arguments = parser.parse_args(argv)
    with job_warehouse(arguments, job_settings(arguments)) as warehouse:
        for table in load_contracts():
            if warehouse.exists(table):
                published_rows(warehouse, table).createOrReplaceTempView(table)
        shown = io.StringIO()
        with redirect_stdout(shown):
            warehouse.session.sql(arguments.sql).show(arguments.rows, truncate=False)
        # The engines escape line breaks and tabs in a cell, but no other control character.
        print(lines(shown.getvalue()), end="")


if __name__ == "__main__":
    run_job(main)
