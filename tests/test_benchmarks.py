"""Benchmarks that write tables by themselves follow the contracts and the ledgers of today."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.checkout import project_root


@pytest.mark.slow
def test_the_close_of_a_month_is_measured_beside_its_peer() -> None:
    command = [sys.executable, "benchmarks/settlement.py", "--payees", "40", "--days", "2", "--statements"]
    ended = subprocess.run(
        command, cwd=project_root(), env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "40 statements: " in ended.stdout
