"""What would other rules have paid?

    python jobs/compare_rules.py --date 2026-11-20

splits what each published pool paid by other rules as well (pro rata by views, user-centric, ScaledUserProp, equal),
writes table `rule_comparison`, draws it, and prints who would gain and who would lose. It pays nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import job_night, job_settings, run_job, study_parser
from creatorpool.pipeline.comparison import publish_comparison
from creatorpool.report.charts import chart_path, draw
from creatorpool.report.comparison_summary import comparison_chart, print_comparisons
from creatorpool.report.console import PlainConsole


def main(argv: list[str]) -> None:
    """Compare, publish the table, draw, and print it."""
    arguments = study_parser("Compare the day's payouts with what other rules would have paid.").parse_args(argv)
    chart = chart_path(arguments.chart) if arguments.chart else None
    with job_night(arguments, job_settings(arguments)) as night:
        comparisons = publish_comparison(night, arguments.category)
        with display(night.day, "summary"):
            print_comparisons(PlainConsole(width=120), comparisons)
        if comparisons:
            draw(night, "comparison", comparison_chart(comparisons), chart)


if __name__ == "__main__":
    run_job(main)
