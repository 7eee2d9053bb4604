"""Names for a run, for the code that ran, and for the process that runs it."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil


def new_run_id(started_at: datetime) -> str:
    """A name for one run: its start, to read, and a random part, to be unique."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


@cache
def code_version() -> str:
    """The package's version and a fingerprint of its source, so that a ledger tells two checkouts apart."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    try:
        number = version("creatorpool")
    except PackageNotFoundError:  # a checkout that runs without being installed, as on a cluster's driver
        number = "0"
    return f"{number}+{digest.hexdigest()[:12]}"


def owner() -> str:
    """This process, so that another one on the same machine can tell whether it still lives."""
    return f"{_machine()}:{os.getpid()}:{_started(psutil.Process())}"


def is_dead(claimant: str) -> bool:
    """Whether `claimant` is a process of this machine that has ended. False for other machines: nobody can know."""
    machine, pid, started = claimant.rsplit(":", 2)
    if machine != _machine():
        return False
    try:
        return _started(psutil.Process(int(pid))) != started
    except psutil.NoSuchProcess:
        return True


def now() -> datetime:
    """The present, in UTC, to the microsecond that Delta keeps."""
    return datetime.now(UTC)


@cache
def _machine() -> str:
    # Containers on one host may share its name but not its process numbers, hence the namespace.
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = "pid"
    return f"{socket.gethostname()}/{namespace}"


def _started(process: psutil.Process) -> str:
    return f"{process.create_time():.2f}"
