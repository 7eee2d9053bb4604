"""Benchmarks that write tables by themselves follow the contracts and the ledgers of today."""

from __future__ import annotations

import sys

import pytest
from tests.checkout import project_root
from tools.processes import run_captured


@pytest.mark.slow
def test_the_close_of_a_month_is_measured_beside_its_peer() -> None:
    command = [sys.executable, "benchmarks/settlement.py", "--payees", "40", "--days", "2", "--statements"]
    ended = run_captured(command, project_root())
    assert ended.returncode == 0, ended.stderr
    assert "40 statements: " in ended.stdout
