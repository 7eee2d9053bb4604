"""The night as an Airflow 3 DAG: run the day, verify what was published, keep the tables in shape on Sundays.

Exit codes decide: 2 (bad input) and 3 (bad configuration) fail at once, since trying again changes nothing; anything else, such
as another run that holds the day, is tried again. Every task may be run again at any time.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

HOME = os.environ.get("CREATORPOOL_HOME", "/opt/creatorpool")
DAY = "{{ (data_interval_start or logical_date) | ds }}"
FINAL = "code=$?; case $code in 2|3) exit 99;; *) exit $code;; esac"
"""Airflow skips retries by another exit code of ours: 99 is configured below as a failure without a retry."""


def command(text: str) -> str:
    """A creatorpool command; its final errors end in the code that fails without another try."""
    return f"{HOME}/.venv/bin/creatorpool {text}; {FINAL}"


with DAG(
    dag_id="creatorpool_night",
    description="Creator payouts of the day before",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=True,
    max_active_runs=1,  # ingestions of different days run one after the other
    default_args={
        "retries": 3,
        "retry_delay": timedelta(minutes=15),
        "execution_timeout": timedelta(hours=4),
        "append_env": True,
        "env": {"CREATORPOOL_LOG": "json"},  # CREATORPOOL_ROOT comes from the worker's environment
    },
    tags=["creatorpool"],
) as dag:
    run = BashOperator(task_id="run", bash_command=command(f"run --date {DAY} --source $CREATORPOOL_RAW/{DAY}"))
    verify = BashOperator(task_id="verify", bash_command=command(f"verify --date {DAY}"))
    maintain = BashOperator(
        task_id="maintain",
        bash_command=f'[ "$(date -d {DAY} +%u)" = 7 ] || exit 0; ' + command("maintain --keep-days 400"),
    )
    run >> verify >> maintain
