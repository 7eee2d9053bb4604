"""Imports the example DAG with the installed Airflow and checks its tasks: `make check-airflow`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

DAG_FILE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "airflow_dag.py"


def main() -> int:
    """Return 0 if the file imports and its DAG has the expected tasks, in order and without a cycle; else 1."""
    import airflow

    dag = runpy.run_path(str(DAG_FILE))["dag"]
    dag.check_cycle()
    order = [task.task_id for task in dag.topological_sort()]
    print(f"Airflow {airflow.__version__}: {dag.dag_id} imports; tasks {' > '.join(order)}")
    return 0 if order == ["run", "verify", "maintain"] else 1


if __name__ == "__main__":
    sys.exit(main())
