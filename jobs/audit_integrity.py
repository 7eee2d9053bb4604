"""What would an attacker with fake viewers earn?

    python jobs/audit_integrity.py --date 2026-11-20

tries fake viewers on a small and a large creator's video of each published pool, under creatorpool's rule, under
others, and under other settings; lists the videos most worth attacking; writes table `integrity_audit` and draws it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.display import display
from creatorpool.job import job_night, job_settings, run_job, study_parser
from creatorpool.pipeline.integrity import publish_audit
from creatorpool.report.charts import chart_path, draw
from creatorpool.report.console import PlainConsole
from creatorpool.report.integrity_summary import integrity_chart, print_audit


def main(argv: list[str]) -> None:
    """Audit, publish the table, draw, and print what pays an attacker."""
    arguments = study_parser("Measure what fake viewers would earn on the published day.").parse_args(argv)
    chart = chart_path(arguments.chart) if arguments.chart else None
    with job_night(arguments, job_settings(arguments)) as night:
        audit = publish_audit(night, arguments.category)
        with display(night.day, "summary"):
            print_audit(PlainConsole(width=140), audit)
        if audit.findings:
            draw(night, "integrity", integrity_chart(audit), chart)


if __name__ == "__main__":
    run_job(main)
