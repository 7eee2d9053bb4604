"""The nightly job, submitted to a real standalone cluster."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.integration.cluster import python_without_the_package, spark_submit, standalone_cluster
from tests.integration.conftest import DAY
from tests.integration.day_tables import day_tables

from creatorpool.settings import project_root


@pytest.mark.timeout(900)
def test_spark_submit_to_a_cluster_publishes_the_same_tables(
    undisturbed: Path, raw_day: Path, engine: str, tmp_path: Path
) -> None:
    if engine != "spark":
        pytest.skip("runs once, with the suite on Spark: a cluster is Spark's")
    root = tmp_path / "tables"
    script = project_root() / "jobs" / "allocate_pool.py"

    with standalone_cluster(tmp_path / "cluster") as address:
        python = python_without_the_package(tmp_path / "python")
        ended = spark_submit(address, python, script, "--date", DAY, "--source", raw_day, "--root", root)
        workers = sorted((tmp_path / "cluster").glob("worker-*/app-*/*/stdout"))

    assert ended.returncode == 0, ended.stderr[-4000:]
    # spark-submit passes on its Python's errors with its output.
    assert "spark engine" in ended.stdout + ended.stderr, "under spark-submit the engine is Spark without being told"
    assert len({re.search(r"worker-\d", str(path))[0] for path in workers}) == 2, "both workers took part"
    assert day_tables(root) == day_tables(undisturbed)
