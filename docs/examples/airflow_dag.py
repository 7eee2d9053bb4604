"""The night as an Airflow 3 DAG: run the day, verify what was published, keep the tables in shape on Sundays.

Exit codes decide: 2 (bad input) and 3 (bad configuration) fail at once, since trying again changes nothing; all else,
such as another run that holds the day, is tried again. Every task may be run again at any time. The worker's
environment names the folder with .venv, conf/ and data_contracts/ (CREATORPOOL_HOME: a checkout, or a folder that
`creatorpool init` made), the tables (CREATORPOOL_ROOT) and the folder of the days' logs (CREATORPOOL_RAW); credentials
of the storage are there too, and nowhere else.
"""

from __future__ import annotations

import os
import subprocess
from datetime import date, datetime, timedelta

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

BAD_INPUT, BAD_CONFIGURATION = 2, 3
KEEP_DAYS = 400


def creatorpool(*arguments: str) -> None:
    """Run one command to its end, its log lines as JSON in the task's log."""
    home = os.environ.get("CREATORPOOL_HOME", "/opt/creatorpool")
    environment = {**os.environ, "CREATORPOOL_LOG": "json"}
    code = subprocess.run([f"{home}/.venv/bin/creatorpool", *arguments], env=environment, check=False).returncode
    if code in (BAD_INPUT, BAD_CONFIGURATION):
        raise AirflowFailException(f"creatorpool {arguments[0]} ended with exit code {code}: see its last line")
    if code:
        raise AirflowException(f"creatorpool {arguments[0]} ended with exit code {code}")


with DAG(
    dag_id="creatorpool_night",
    description="Creator payouts of the day before",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,  # `creatorpool backfill` does past days in order
    max_active_runs=1,  # ingestions of different days run one after the other
    default_args={"retries": 3, "retry_delay": timedelta(minutes=15), "execution_timeout": timedelta(hours=4)},
    tags=["creatorpool"],
) as dag:

    @task
    def run(day: str) -> str:
        """Whatever stage of the day is not published yet."""
        source = os.path.join(os.environ.get("CREATORPOOL_RAW", "raw"), day)
        creatorpool("run", "--date", day, "--source", source)
        return day

    @task
    def verify(day: str) -> str:
        """Every total of the published day, recomputed."""
        creatorpool("verify", "--date", day)
        return day

    @task
    def maintain(day: str) -> None:
        """Upkeep of the tables, once a week."""
        if date.fromisoformat(day).isoweekday() == 7:
            creatorpool("maintain", "--keep-days", str(KEEP_DAYS))

    maintain(verify(run("{{ macros.ds_add(ds, -1) }}")))
