"""Commits that only the holder of a claim can make.

A run may be stopped for longer than its lease, in any line of its code, and go on after another run took over.
Each claim therefore has a token that grows from claim to claim. Every commit of a run carries its token as a Delta
application transaction under the claim's name; whoever takes a claim over raises the token of every table first. A
commit with a lower token is refused: at the look at the table's latest version, or, where the token was raised after
that look, by Delta's own check, which lets no two commits of one application pass each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deltalake import CommitProperties, DeltaTable, Transaction

from creatorpool.errors import OutlivedLeaseError


@dataclass(frozen=True)
class Fence:
    """The name of a claim, such as ``ingest`` or ``allocate/2026-11-20``, and the token of the run that holds it."""

    claim: str
    token: int

    @property
    def application(self) -> str:
        """The claim's name in the tables' logs."""
        return f"creatorpool/{self.claim}"


def commit_properties(delta: DeltaTable, fence: Fence | None, locks: Sequence[Transaction] = ()) -> CommitProperties:
    """What a commit on the loaded version of `delta` must carry.

    Raises
    ------
    OutlivedLeaseError
        If another run has taken the claim over.
    """
    if fence is None:
        return CommitProperties(app_transactions=list(locks))
    raised = delta.transaction_version(fence.application)
    if raised is not None and raised > fence.token:
        raise OutlivedLeaseError(
            f"{fence.claim}: this run outlived its lease and another run took its claim over; this run writes nothing "
            f"more. Run it again to see what is published"
        )
    return CommitProperties(app_transactions=[*locks, Transaction(fence.application, fence.token)])


def raise_fence(delta: DeltaTable, fence: Fence) -> None:
    """Refuse every later commit to `delta` by earlier holders of the claim. Rows stay as they are."""
    properties = commit_properties(delta, fence)
    delta.create_write_transaction([], mode="append", schema=delta.schema(), commit_properties=properties)
