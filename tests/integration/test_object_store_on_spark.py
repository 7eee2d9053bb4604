"""A night on Spark whose logs and tables are in an object store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY
from tests.integration.day_tables import day_tables
from tests.tolerant import TOLERANT
from tools.object_store import KEY, SECRET, ObjectStore
from tools.processes import fresh_environment
from tools.resolve_s3_jars import has_s3_jars, s3_setting

from creatorpool.storage.places import tables_root


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_night_on_spark_pays_as_in_a_folder(store: ObjectStore, undisturbed: Path, engine: str) -> None:
    if engine != "spark" or not has_s3_jars():
        pytest.skip("needs Spark, with its client of S3: python -m tools.resolve_s3_jars")
    script, root = project_root() / "jobs" / "allocate_pool.py", store.uri("spark")
    words = ["--date", str(DAY), "--source", store.uri(f"raw/{DAY}"), "--root", root, "--engine", "spark"]
    words += ["--set", TOLERANT, "--set", s3_setting(), "--set", "engine.shuffle_partitions=2"]
    command = [sys.executable, str(script), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=fresh_environment())

    assert ended.returncode == 0, ended.stderr
    assert not [secret for secret in (KEY, SECRET) if secret in ended.stderr + ended.stdout]
    assert day_tables(tables_root(root)) == day_tables(undisturbed)
    assert not (store.bucket / "spark" / "_staging").exists()
