"""The golden root: this version publishes the same rows as the version before."""

from __future__ import annotations

import sys

import pytest
from tests.checkout import project_root
from tools.processes import run_captured

STORED = project_root() / "tests" / "data" / "golden-0.2.json"


@pytest.mark.once  # tests/integration/test_night.py compares the engines
@pytest.mark.timeout(1200)
def test_golden_root_has_the_rows_that_the_version_before_published() -> None:
    """A difference is a fault, unless published rows are meant to change: see tests/data/README.md."""
    command = [sys.executable, "-m", "tools.golden_root", "--compare", str(STORED)]

    ended = run_captured(command, project_root())

    said = ended.stdout or "\n".join(ended.stderr.splitlines()[-40:])
    assert ended.returncode == 0, f"not as in {STORED.name} (tests/data/README.md says what to do):\n{said}"
