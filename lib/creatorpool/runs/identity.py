"""Identifiers of a run, of the code, and of the process that runs it."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil


def new_run_id(started_at: datetime) -> str:
    """The id of one run: its start time, for people, and a random part, which makes it unique."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


@cache
def code_version() -> str:
    """The package's version and a fingerprint of its source, so that a ledger distinguishes two checkouts."""
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
    """The identifier of this process, by which another process on this machine can see whether it still lives."""
    return f"{'/'.join(_place())}:{os.getpid()}:{_started(os.getpid())}"


def process_of(claimant: str) -> str:
    """The process that `claimant` (from `owner`) names, for messages: its number and its host."""
    place, pid, _ = claimant.rsplit(":", 2)
    return f"process {pid} on {place.split('/')[0].split('+')[0]}"


def is_dead(claimant: str) -> bool:
    """Whether `claimant` is a process of this machine that has certainly ended, for example before the last boot.

    False for other machines and for containers with their own process numbers, whose processes cannot be seen.
    """
    place, pid, started = claimant.rsplit(":", 2)
    own = _place()
    theirs = tuple(place.split("/", 2))
    if len(theirs) != len(own) or theirs[0] != own[0]:
        return False
    if theirs[1] != own[1]:
        return "+" in own[0]  # the machine has booted since then; a host name alone does not identify a machine
    return theirs[2] == own[2] and _started(int(pid)) != started


def is_alive(claimant: str) -> bool:
    """Whether `claimant` is a process of this machine that lives, even if it is stopped; False if it cannot be seen."""
    place, pid, started = claimant.rsplit(":", 2)
    return place == "/".join(_place()) and _started(int(pid)) == started


def now() -> datetime:
    """The current time in UTC, in microseconds as Delta stores it."""
    return datetime.now(UTC)


@cache
def _place() -> tuple[str, str, str]:
    """Identifiers of this machine, of its current boot, and of the process namespace, which containers do not share."""
    number = _read(Path("/etc/machine-id"))
    machine = f"{socket.gethostname()}+{number}" if number else socket.gethostname()
    return machine, _read(Path("/proc/sys/kernel/random/boot_id")), _read(Path("/proc/self/ns/pid"))


def _read(path: Path) -> str:
    """The text of a file, or the target of a kernel's link; empty if the system has no such file."""
    with suppress(OSError):
        return os.readlink(path) if path.is_symlink() else path.read_text().strip()
    return ""


def _started(pid: int) -> str | None:
    """Start time of process `pid` as text that does not depend on the clock; None if there is no such process."""
    try:
        # Field 22 of stat: ticks since boot. The name before it may contain blanks, so count after its bracket.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return f"{psutil.Process(pid).create_time():.0f}" if psutil.pid_exists(pid) else None
