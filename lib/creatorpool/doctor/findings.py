"""What an examination found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from creatorpool.errors import CreatorpoolError
from creatorpool.quoting import quoted
from creatorpool.storage.faults import storage_fault

State = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """One thing that was examined, its state, and what was found; if it is not ok, also what to do."""

    subject: str
    state: State
    text: str


def examined(subject: str, examine: Callable[[], Finding]) -> Finding:
    """What `examine` finds; an error that it raises is a fault of `subject`."""
    try:
        return examine()
    except Exception as error:
        known = storage_fault(error) or error
        words = str(known) if isinstance(known, CreatorpoolError) else f"{type(error).__name__}: {quoted(error)}"
        return Finding(subject, "fault", words)
