"""What may become of a command at one of its writes: its process ends there, or another one runs the same command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest
from deltalake import DeltaTable

from creatorpool.errors import InputError, RunInProgressError
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
    (Warehouse, "optimize"),
    (Warehouse, "vacuum"),
    (Warehouse, "shorten_log"),
    (commits, "raise_fences"),
)
"""All that changes a root: tables that are created, files that no table names, commits and checkpoints"""


LIVES, KILLED, REPEATED, MET = "lives", "killed", "killed and repeated", "met"
REFUSALS = (RunInProgressError, InputError)


@dataclass(frozen=True)
class Fate:
    """What becomes of a command at its write number `at`; nothing if it has fewer."""

    kind: str = LIVES
    at: int = 0


class Killed(BaseException):
    """Stands for the end of a process."""


def is_certain(command: Callable[[], object], fate: Fate) -> bool:
    """Run `command` under `fate`; whether it has certainly done its work, and was not killed on the way."""
    if fate.kind == LIVES:
        command()
    elif fate.kind == MET:
        _meet(command, fate.at)
    else:
        try:
            _kill(command, fate.at)
        except Killed:
            if fate.kind == KILLED:
                return False
            command()
    return True


def _kill(command: Callable[[], object], at: int) -> None:
    """End `command` at a write. It writes nothing more: who has ended cleans nothing up either.

    What it claims is claimed by a process that has ended, so that the next run takes it over.
    """

    def end(number: int) -> None:
        if number >= at:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "owner", _ended_process)
        with _at_writes(end):
            command()


def _meet(command: Callable[[], object], at: int) -> None:
    """Run `command`, and all of it once more before its write number `at`: one of the two may be refused."""
    refused: list[Exception] = []

    def run() -> None:
        try:
            command()
        except REFUSALS as error:
            refused.append(error)

    def meet(number: int) -> None:
        if number == at:
            run()

    with _at_writes(meet):
        run()
    assert len(refused) <= 1, refused


@contextmanager
def _at_writes(happen: Callable[[int], None]) -> Iterator[None]:
    """Call `happen` with its number before each write of the block."""
    numbers = count(1)

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            happen(next(numbers))
            return original(*args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for place, name in WRITES:
            patch.setattr(place, name, watched(getattr(place, name)))
        yield


@cache
def _ended_process() -> str:
    """The identifier of a process of this machine that has ended."""
    code = "from creatorpool.runs.identity import owner; print(owner())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
