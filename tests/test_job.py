"""How a job ends: in one line for a full disk, with a traceback for a fault of the program."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ENDING = """
import errno, os
from creatorpool.job import run_job

def main(arguments):
    raise {error}

run_job(main)
"""


@pytest.mark.parametrize(
    ("error", "is_named"),
    [
        ("OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))", True),
        ("RuntimeError('Object Store error: Generic error: No space left on device (os error 28)')", True),
        ("OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))", True),
        ("OSError(errno.EACCES, os.strerror(errno.EACCES))", False),
    ],
)
def test_job_on_a_full_disk_ends_in_one_line(error: str, is_named: bool) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ENDING.format(error=error)], capture_output=True, text=True, check=False, timeout=120
    )

    assert ended.returncode == 1
    assert ("the disk is full" in ended.stderr) is is_named
    assert ("Traceback" in ended.stderr) is not is_named
    assert len(ended.stderr.strip().splitlines()) == 1 or not is_named
