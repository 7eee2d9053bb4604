"""Claims ensure that only one run at a time works on a stage of a day. Table `run_claims` has one row per claim.

A run takes a claim by one commit, which fails if another process commits in between; so only one of two runs gets it.
The run renews the claim while its process lives. If the process ended without giving the claim back (SIGKILL, power
failure), another run takes it over: immediately if the process ran on this machine, otherwise when the lease is over.
A claim whose process lives on this machine is never taken over; a run may wait for it, with bounded patience. A run
that takes over raises the fence of every table first (`storage.fence`), so that a run that was only paused can commit
nothing more when it continues.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from creatorpool.contracts import load_contracts
from creatorpool.errors import InputError, RunInProgressError
from creatorpool.runs.identity import is_alive, is_dead, now, owner, process_of
from creatorpool.storage.fence import Fence
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

TABLE = "run_claims"
EVERY_DAY = date(1970, 1, 1)
"""The day of claims on a stage that must not run for two days at the same time, such as ingestion"""

_RENEWALS_PER_LEASE = 3
_SECONDS_BETWEEN_TRIES = 0.5

Change = Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]
"""A function of the rows of other runs that hold a claim, and the writer's token, that returns the rows to store"""


@dataclass(frozen=True)
class Claim:
    """The run that wants a claim, the stage and day to claim, and the time until the claim must be renewed."""

    stage: str
    day: date
    run_id: str
    lease: timedelta

    @property
    def name(self) -> str:
        """The stage and the day, for messages."""
        return claim_name(self.stage, self.day)


def claim_name(stage: str, day: date) -> str:
    """``signals of 2026-11-20``, or ``ingest of every day``."""
    return f"{stage} of {'every day' if day == EVERY_DAY else day}"


class _HeldError(RunInProgressError):
    """A live run holds the claim: `holder` says which run, `remedy` what to do."""

    def __init__(self, holder: str, remedy: str) -> None:
        super().__init__(f"{holder}; {remedy}")
        self.holder = holder


@contextmanager
def claimed(
    warehouse: Warehouse,
    stage: str,
    day: date,
    run_id: str,
    lease: timedelta,
    tables: Collection[str] = (),
    *,
    patience: timedelta = timedelta(0),
) -> Iterator[Warehouse]:
    """Hold the claim on `stage` of `day` for `run_id` while the block runs.

    Yields the warehouse under the claim's fence: the run must write through it. `tables` are those that the stage may
    create.

    Raises
    ------
    RunInProgressError
        If another live run holds the claim for longer than `patience`; the message names the run, its process and the
        time of the claim.
    """
    claim = Claim(stage, day, run_id, lease)
    warehouse.ensure(TABLE)
    token, is_taken_over = _take_within(warehouse, claim, patience)
    fenced = warehouse.fenced(Fence(f"{stage}/{day.isoformat()}", token, claim.name))
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(warehouse, claim, token, ended), daemon=True)
    if is_taken_over:
        _raise_fences(fenced, claim, tables)
    try:
        renewing.start()
        yield fenced
    finally:
        ended.set()
        if renewing.ident is not None:
            renewing.join()
        _give_back(warehouse, claim)


def require_held(warehouse: Warehouse, stage: str, day: date, run_id: str) -> None:
    """Check, before a run publishes, that `run_id` still holds the claim on `stage` of `day`.

    Raises
    ------
    RunInProgressError
        If it does not; the message names the holder.
    """
    claims = [claim for claim in warehouse.read_arrow(TABLE, day=day).to_pylist() if claim["stage"] == stage]
    holders = [str(claim["run_id"]) for claim in claims if not claim["released"]]
    if holders != [run_id]:
        raise RunInProgressError(
            f"{claim_name(stage, day)}: run {run_id} outlived its lease, or its claim was released, so it publishes "
            f"nothing; the claim is now held by {' and '.join(holders) or 'nobody'}. Run it again to see what is "
            f"published"
        )


def standing_claims(warehouse: Warehouse) -> list[dict[str, Any]]:
    """All claims that were not given back, sorted by day and stage, as rows of `run_claims`."""
    rows = warehouse.read_arrow(TABLE).to_pylist() if warehouse.exists(TABLE) else []
    return sorted((row for row in rows if not row["released"]), key=lambda row: (row["date"], row["stage"]))


def is_held(claim: Mapping[str, Any]) -> bool:
    """Whether a row of `run_claims` excludes other runs."""
    if claim["released"] or is_dead(claim["owner"]):
        return False
    return claim["expires_at"] > now() or is_alive(claim["owner"])


def release_claim(warehouse: Warehouse, stage: str, day: date, reason: str) -> str:
    """Release the claim of any run on `stage` of `day`; return the id of that run.

    Once another run has claimed the stage, later commits of the first run fail.

    Raises
    ------
    InputError
        If nobody holds the claim.
    """
    held = [claim for claim in standing_claims(warehouse) if (claim["stage"], claim["date"]) == (stage, day)]
    if not held:
        raise InputError(f"nobody holds {claim_name(stage, day)}: `creatorpool claims list` shows the claims")
    run_id = str(held[0]["run_id"])
    _release(warehouse, Claim(stage, day, run_id, timedelta(0)), reason)
    return run_id


def _take_within(warehouse: Warehouse, claim: Claim, patience: timedelta) -> tuple[int, bool]:
    """`_take`, tried again for as long as `patience` while another run holds the claim; the log names that run once."""
    until, has_told = time.monotonic() + patience.total_seconds(), False
    while True:
        try:
            return _take(warehouse, claim)
        except _HeldError as error:
            if time.monotonic() >= until:
                raise
            if not has_told:
                logger.info("waits for up to %.0f s, because %s", patience.total_seconds(), error.holder)
                has_told = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _take(warehouse: Warehouse, claim: Claim) -> tuple[int, bool]:
    """Store this run's claim, if no live run holds one; return its token and whether it replaces a dead claim."""
    taken: dict[str, Any] = {}

    def put(held: list[dict[str, Any]], token: int) -> list[dict[str, Any]]:
        for other in held:
            _refuse_live(other, claim)
        claimed_at = now()
        taken.update(token=token, over=bool(held))
        return [
            {
                "date": claim.day,
                "stage": claim.stage,
                "run_id": claim.run_id,
                "owner": owner(),
                "claimed_at": claimed_at,
                "expires_at": claimed_at + claim.lease,
                "token": token,
                "released": None,
            }
        ]

    _rewrite(warehouse, claim, put)
    return taken["token"], taken["over"]


def _renew(warehouse: Warehouse, claim: Claim, token: int, ended: threading.Event) -> None:
    """Extend the claim's lease at intervals until `ended` is set."""
    unfenced = warehouse.unfenced()
    while not ended.wait(max(claim.lease.total_seconds(), 1.0) / _RENEWALS_PER_LEASE):
        try:
            unfenced.rewrite_day_records(TABLE, claim.day, partial(_renewed, claim, token))
        except Exception as error:
            logger.warning("%s: the claim could not be renewed and will be tried again: %s", claim.name, error)


def _renewed(claim: Claim, token: int, rows: list[dict[str, Any]], _: int) -> list[dict[str, Any]]:
    """`rows` with the claim's lease extended, unless the claim was released or taken over."""
    until = now() + claim.lease
    own = (claim.stage, token, None)
    return [
        row | {"expires_at": until} if (row["stage"], row["token"], row["released"]) == own else row for row in rows
    ]


def _raise_fences(fenced: Warehouse, claim: Claim, tables: Collection[str]) -> None:
    """Stop earlier holders of the claim from committing to any table, including those that the stage may create.

    If that fails, the claim's row stays, marked as released: a run that found no row would not raise the fences.
    """
    try:
        for table in tables:
            fenced.ensure(table)
        fenced.raise_fences(list(load_contracts(fenced.contracts_directory)))
    except BaseException:
        _release(fenced, claim, "its run ended before it had raised the fences")
        raise


def _give_back(warehouse: Warehouse, claim: Claim) -> None:
    """Delete the row of the claim, unless another run has taken it over."""
    _rewrite(warehouse, claim, lambda held, _: held)


def _release(warehouse: Warehouse, claim: Claim, reason: str) -> None:
    """Mark the claim of its run as released, unless another run has taken it over."""

    def released(rows: list[dict[str, Any]], _: int) -> list[dict[str, Any]]:
        own = (claim.stage, claim.run_id)
        return [row | {"released": reason} if (row["stage"], row["run_id"]) == own else row for row in rows]

    warehouse.unfenced().rewrite_day_records(TABLE, claim.day, released)


def _rewrite(warehouse: Warehouse, claim: Claim, change: Change) -> None:
    """Replace the rows of the claim's stage and day by ``change(rows of other runs, token)``, in one commit."""

    def with_others(claims: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
        others = [row for row in claims if row["stage"] != claim.stage]
        held = [row for row in claims if row["stage"] == claim.stage and row["run_id"] != claim.run_id]
        return [*others, *change(held, version)]

    warehouse.unfenced().rewrite_day_records(TABLE, claim.day, with_others)


def _refuse_live(other: Mapping[str, Any], claim: Claim) -> None:
    if not is_held(other):
        return
    remedy = "wait until it ends, or end it, and run again"
    if other["expires_at"] <= now():
        remedy = (
            "its lease is over, but its process still lives on this machine: end that process, or release the claim "
            "with `creatorpool claims release`, and run again"
        )
    raise _HeldError(
        f"{claim.name} is held by run {other['run_id']} ({process_of(other['owner'])}, since "
        f"{other['claimed_at']:%Y-%m-%d %H:%M:%S} UTC)",
        remedy,
    )
