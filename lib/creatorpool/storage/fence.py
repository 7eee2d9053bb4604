"""Fences: commits that only the current holder of a claim can make.

A run may be paused at any point for longer than its lease, and continue after another run took over its claim. So each
claim has a token, which grows from claim to claim. Every commit of a run carries the token as a Delta application
transaction under the claim's name. A run that takes over a claim first raises the token in every table. A commit with a
lower token fails: either this module finds the higher token in the table's latest version, or, if the token was raised
after it looked, Delta's own check for concurrent transactions of one application refuses the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deltalake import CommitProperties, DeltaTable, Transaction

from creatorpool.errors import OutlivedLeaseError


@dataclass(frozen=True)
class Fence:
    """A claim, such as ``allocate/2026-11-20``, its name for messages, and the token of the run that holds it."""

    claim: str
    token: int
    name: str

    @property
    def application(self) -> str:
        """The claim's application id in the logs of the tables."""
        return f"creatorpool/{self.claim}"


def commit_properties(
    delta: DeltaTable, fences: Sequence[Fence], locks: Sequence[Transaction] = (), *, repetitions: int | None = None
) -> CommitProperties:
    """The properties of a commit on the loaded version of `delta`: the tokens of the fences, and `locks`.

    `repetitions` bounds how often deltalake itself tries later versions if another commit came first.

    Raises
    ------
    OutlivedLeaseError
        If another run has taken over one of the claims.
    """
    for fence in fences:
        _require_token(delta, fence)
    tokens = [Transaction(fence.application, fence.token) for fence in fences]
    return CommitProperties(app_transactions=[*locks, *tokens], max_commit_retries=repetitions)


def _require_token(delta: DeltaTable, fence: Fence) -> None:
    raised = delta.transaction_version(fence.application)
    if raised is not None and raised > fence.token:
        raise OutlivedLeaseError(
            f"{fence.name}: this run outlived its lease and another run took over its claim, so this run writes "
            f"nothing more. Run it again to see what is published"
        )


def raise_fences(delta: DeltaTable, fences: Sequence[Fence]) -> None:
    """Make every later commit to `delta` by earlier holders of the claims fail; rows do not change.

    Raises
    ------
    OutlivedLeaseError
        If another run has taken over one of the claims.
    """
    properties = commit_properties(delta, fences)
    delta.create_write_transaction([], mode="append", schema=delta.schema(), commit_properties=properties)
