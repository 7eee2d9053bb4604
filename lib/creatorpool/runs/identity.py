"""Names for a run, for the code that ran, and for the process that runs it."""

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
    return f"{'/'.join(_place())}:{os.getpid()}:{_started(os.getpid())}"


def process_of(claimant: str) -> str:
    """The process that `claimant` names, to read: its number and its host."""
    place, pid, _ = claimant.rsplit(":", 2)
    return f"process {pid} on {place.split('/')[0].split('+')[0]}"


def is_dead(claimant: str) -> bool:
    """Whether `claimant` is a process that has certainly ended: of this machine, or of an earlier boot of it.

    False for other machines, and for containers with processes of their own: nobody can know.
    """
    place, pid, started = claimant.rsplit(":", 2)
    own = _place()
    theirs = tuple(place.split("/", 2))
    if len(theirs) != len(own) or theirs[0] != own[0]:
        return False
    if theirs[1] != own[1]:
        return "+" in own[0]  # the machine has started again since, if its name is not only a host's
    return theirs[2] == own[2] and _started(int(pid)) != started


def is_alive(claimant: str) -> bool:
    """Whether `claimant` is a process of this machine that lives, be it stopped. False where nobody can know."""
    place, pid, started = claimant.rsplit(":", 2)
    return place == "/".join(_place()) and _started(int(pid)) == started


def now() -> datetime:
    """The present, in UTC, to the microsecond that Delta keeps."""
    return datetime.now(UTC)


@cache
def _place() -> tuple[str, str, str]:
    """This machine, this boot of it, and the process numbers that it can see: containers have their own."""
    number = _read(Path("/etc/machine-id"))
    machine = f"{socket.gethostname()}+{number}" if number else socket.gethostname()
    return machine, _read(Path("/proc/sys/kernel/random/boot_id")), _read(Path("/proc/self/ns/pid"))


def _read(path: Path) -> str:
    """What a file, or a link of the kernel, says; nothing where the system has no such file."""
    with suppress(OSError):
        return os.readlink(path) if path.is_symlink() else path.read_text().strip()
    return ""


def _started(pid: int) -> str | None:
    """When process `pid` started, in a form that no step of the clock changes; None if there is no such process."""
    try:
        # Field 22 of stat, counted after the name, which may hold blanks: ticks since boot.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return f"{psutil.Process(pid).create_time():.0f}" if psutil.pid_exists(pid) else None
