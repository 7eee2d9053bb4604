"""Commands that are killed at one of their writes, as if their process had ended there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from deltalake import DeltaTable

from creatorpool.runs import claims
from creatorpool.storage import commits
from creatorpool.tables import Warehouse

WRITES: tuple[tuple[Any, str], ...] = (
    (DeltaTable, "create"),
    (DeltaTable, "create_checkpoint"),
    (Warehouse, "_staged"),
    (Warehouse, "stage_records"),
    (Warehouse, "_commit_files"),
    (Warehouse, "restore"),
    (Warehouse, "append_records"),
    (Warehouse, "replace_day_records"),
    (commits, "raise_fences"),
)
"""All that changes a root: tables that are created, files that no table names yet, commits and checkpoints"""


class Killed(BaseException):
    """Stands for the end of a process."""


def is_killed(command: Callable[[], object], at: int) -> bool:
    """Run `command`, and end it at its write number `at`; False if it has fewer. 0 kills nothing."""
    if not at:
        command()
        return False
    try:
        with _mortal(at):
            command()
    except Killed:
        return True
    return False


@contextmanager
def _mortal(at: int) -> Iterator[None]:
    """Write number `at` of the block, and every later one, raises `Killed`: who has ended cleans nothing up either.

    What the block claims is claimed by a process that has ended, so that the next run takes it over.
    """
    done = 0

    def mortal(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done >= at:
                raise Killed
            return original(*args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "owner", _ended_process)
        for place, name in WRITES:
            patch.setattr(place, name, mortal(getattr(place, name)))
        yield


@cache
def _ended_process() -> str:
    """The identifier of a process of this machine that has ended."""
    code = "from creatorpool.runs.identity import owner; print(owner())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
