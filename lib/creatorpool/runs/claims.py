"""One run at a time for a stage of a day: claims kept in the Delta table `run_claims`.

A claim is one row. Taking it is one commit that fails if anybody else's came in between, so of two runs one gets it. It
is renewed while its process lives. A claim whose process ended without giving it back, say by SIGKILL or a power
failure, is taken over at once where the process ran on this machine, else when its lease is over; a process that lives
on this machine is never taken over. Whoever takes over first raises the fence of every table (`storage.fence`), so that
a run that was only stopped writes nothing more when it goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
"""The day under which a stage is claimed that must not run for two days at once, such as ingestion."""

_RENEWALS_PER_LEASE = 3

Change = Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]
"""From the rows of other runs that hold a claim, and the token of whoever writes, the rows that are to stand."""


@dataclass(frozen=True)
class Claim:
    """Who wants to hold which stage of which day, for how long at a time."""

    stage: str
    day: date
    run_id: str
    lease: timedelta

    @property
    def name(self) -> str:
        """What is claimed, to read."""
        return claim_name(self.stage, self.day)


def claim_name(stage: str, day: date) -> str:
    """``signals of 2026-11-20``, or ``ingest of every day``."""
    return f"{stage} of {'every day' if day == EVERY_DAY else day}"


@contextmanager
def claimed(
    warehouse: Warehouse, stage: str, day: date, run_id: str, lease: timedelta, tables: Collection[str] = ()
) -> Iterator[Warehouse]:
    """Hold `stage` of `day` for `run_id` while the block runs.

    Gives the tables under the claim's fence: through them the run must write. `tables` are those that the stage may
    create.

    Raises
    ------
    RunInProgressError
        If another live run holds it; the message names the run, its process and since when.
    """
    claim = Claim(stage, day, run_id, lease)
    warehouse.ensure(TABLE)
    token, is_taken_over = _take(warehouse, claim)
    fenced = warehouse.fenced(Fence(f"{stage}/{day.isoformat()}", token))
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(warehouse, claim, token, ended), daemon=True)
    try:
        if is_taken_over:
            _raise_fences(fenced, tables)
        renewing.start()
        yield fenced
    finally:
        ended.set()
        if renewing.ident is not None:
            renewing.join()
        _rewrite(warehouse, claim, lambda held, _: held)


def require_held(warehouse: Warehouse, stage: str, day: date, run_id: str) -> None:
    """Raise RunInProgressError unless `run_id` still holds `stage` of `day`: the last look before it publishes."""
    claims = [claim for claim in warehouse.read_arrow(TABLE, day=day).to_pylist() if claim["stage"] == stage]
    holders = [claim["run_id"] for claim in claims if not claim["released"]]
    if holders != [run_id]:
        raise RunInProgressError(
            f"{claim_name(stage, day)}: run {run_id} outlived its lease, or its claim was released, and publishes "
            f"nothing; the claim is now held by {holders or 'nobody'}"
        )


def standing_claims(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every claim that was not given back, by day and stage."""
    rows = warehouse.read_arrow(TABLE).to_pylist() if warehouse.exists(TABLE) else []
    return sorted((row for row in rows if not row["released"]), key=lambda row: (row["date"], row["stage"]))


def is_held(claim: Mapping[str, Any]) -> bool:
    """Whether a row of `run_claims` keeps other runs out."""
    if claim["released"] or is_dead(claim["owner"]):
        return False
    return claim["expires_at"] > now() or is_alive(claim["owner"])


def release_claim(warehouse: Warehouse, stage: str, day: date, reason: str) -> str:
    """Release the claim on `stage` of `day`, whoever holds it; returns the run that held it.

    That run's later commits are refused as soon as another run has claimed the stage.

    Raises
    ------
    InputError
        If nobody holds it.
    """
    held = [claim for claim in standing_claims(warehouse) if (claim["stage"], claim["date"]) == (stage, day)]
    if not held:
        raise InputError(f"nobody holds {claim_name(stage, day)}: `creatorpool claims list` shows what is held")
    claim = Claim(stage, day, "", timedelta(0))
    _rewrite(warehouse, claim, lambda rows, _: [{**row, "released": reason} for row in rows])
    return str(held[0]["run_id"])


def _take(warehouse: Warehouse, claim: Claim) -> tuple[int, bool]:
    """Put this run's claim in place of none or a dead one: its token, and whether a claim stood there."""
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
    """Move the end of the claim's lease, again and again until `ended`."""
    unfenced = replace(warehouse, fence=None)
    while not ended.wait(max(claim.lease.total_seconds(), 1.0) / _RENEWALS_PER_LEASE):
        try:
            unfenced.rewrite_day_records(TABLE, claim.day, partial(_renewed, claim, token))
        except Exception as error:
            logger.warning("%s: the claim could not be renewed, and is tried again: %s", claim.name, error)


def _renewed(claim: Claim, token: int, rows: list[dict[str, Any]], _: int) -> list[dict[str, Any]]:
    """`rows` with the claim's lease moved, if it still stands: one that was released or taken over stays so."""
    until = now() + claim.lease
    own = (claim.stage, token, None)
    return [
        row | {"expires_at": until} if (row["stage"], row["token"], row["released"]) == own else row for row in rows
    ]


def _raise_fences(fenced: Warehouse, tables: Collection[str]) -> None:
    """From here on no earlier holder of the claim commits to any table, those that the stage may create included."""
    for table in tables:
        fenced.ensure(table)
    fenced.raise_fences(list(load_contracts(fenced.contracts_directory)))


def _rewrite(warehouse: Warehouse, claim: Claim, change: Change) -> None:
    """Replace the rows of the claim's stage and day by ``change(rows of other runs, token)``, in one commit."""

    def with_others(claims: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
        others = [row for row in claims if row["stage"] != claim.stage]
        held = [row for row in claims if row["stage"] == claim.stage and row["run_id"] != claim.run_id]
        return [*others, *change(held, version)]

    replace(warehouse, fence=None).rewrite_day_records(TABLE, claim.day, with_others)


def _refuse_live(other: Mapping[str, Any], claim: Claim) -> None:
    if not is_held(other):
        return
    remedy = "let it end, or end it, and run again"
    if other["expires_at"] <= now():
        remedy = (
            "its lease is over, but its process still lives on this machine: end that process, or release the claim "
            "with `creatorpool claims release`, and run again"
        )
    raise RunInProgressError(
        f"{claim.name} is held by run {other['run_id']} ({process_of(other['owner'])}, since "
        f"{other['claimed_at']:%Y-%m-%d %H:%M:%S} UTC); {remedy}"
    )
