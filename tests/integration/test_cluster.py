"""The nightly job on a real standalone cluster that loses a worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY
from tests.integration.day_tables import day_tables
from tests.tolerant import TOLERANT
from tools.local_cluster import python_without_the_package, run_while_a_worker_dies, spark_submit, standalone_cluster


@pytest.mark.timeout(900)
def test_spark_submit_to_a_cluster_that_loses_a_worker_publishes_the_same_tables(
    undisturbed: Path, raw_day: Path, engine: str, tmp_path: Path
) -> None:
    if engine != "spark":
        pytest.skip("runs once, with the suite on Spark: a cluster is Spark's")
    root = tmp_path / "tables"
    script = project_root() / "jobs" / "allocate_pool.py"

    with standalone_cluster(tmp_path / "cluster") as cluster:
        python = python_without_the_package(tmp_path / "python")
        night = (
            "--date",
            DAY,
            "--source",
            raw_day,
            "--root",
            root,
            "--set",
            "contracts.data_docs=false",
            "--set",
            TOLERANT,
        )
        job = spark_submit(cluster.address, python, script, *night)
        code, lines = run_while_a_worker_dies(cluster, job, "signals: begins")

    said = "\n".join(lines)
    assert code == 0, said[-4000:]
    assert "spark engine" in said, "under spark-submit the engine is Spark without being told"
    assert "Lost executor" in said, "the killed worker had work"
    assert cluster.workers_that_took_part() == {"worker-0", "worker-1"}
    assert day_tables(root) == day_tables(undisturbed)
