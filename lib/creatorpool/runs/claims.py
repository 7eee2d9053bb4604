"""One run at a time for a stage of a day: claims kept in the Delta table `run_claims`.

A claim is one row. Taking it is one commit that fails if anybody else's came in between, so of two runs one gets it.
A claim whose process ended without giving it back, say by SIGKILL, is taken over: at once where the process ran on this
machine, else when its lease is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from creatorpool.errors import RunInProgressError
from creatorpool.runs.identity import is_dead, now, owner
from creatorpool.tables import Warehouse

TABLE = "run_claims"
_ATTEMPTS = 12


@contextmanager
def claimed(warehouse: Warehouse, stage: str, day: date, run_id: str, lease: timedelta) -> Iterator[None]:
    """Hold `stage` of `day` for `run_id` while the block runs.

    Raises
    ------
    RunInProgressError
        If another live run holds it; the message names the run, its process and since when.
    """
    warehouse.ensure(TABLE)
    _rewrite(warehouse, stage, day, run_id, lease)
    try:
        yield
    finally:
        _rewrite(warehouse, stage, day, run_id, None)


def require_held(warehouse: Warehouse, stage: str, day: date, run_id: str) -> None:
    """Raise RunInProgressError unless `run_id` still holds `stage` of `day`: the last look before it publishes."""
    claims = warehouse.read_arrow(TABLE, day=day).to_pylist()
    holders = [claim["run_id"] for claim in claims if claim["stage"] == stage]
    if holders != [run_id]:
        raise RunInProgressError(
            f"{stage} of {day}: run {run_id} outlived its lease and publishes nothing; the claim is now held by "
            f"{holders or 'nobody'}"
        )


def _rewrite(warehouse: Warehouse, stage: str, day: date, run_id: str, lease: timedelta | None) -> None:
    """Put this run's claim in place of a dead one, or without a lease take this run's claim out."""
    for attempt in range(_ATTEMPTS):
        seen = warehouse.version(TABLE)
        claims = warehouse.read_arrow(TABLE, day=day, version=seen).to_pylist()
        others = [claim for claim in claims if claim["stage"] != stage]
        held = [claim for claim in claims if claim["stage"] == stage and claim["run_id"] != run_id]
        if lease is None:
            own = held  # what a run that found ours dead has put in its place stays
        else:
            _refuse_live(held, stage, day)
            own = [_claim(stage, day, run_id, lease)]
        try:
            warehouse.replace_day_records(others + own, TABLE, day, seen=seen)
            return
        except RunInProgressError:
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(0.05 * 1.6**attempt)  # somebody wrote in between: look again


def _refuse_live(held: list[dict[str, Any]], stage: str, day: date) -> None:
    for claim in held:
        if claim["expires_at"] > now() and not is_dead(claim["owner"]):
            raise RunInProgressError(
                f"{stage} of {day} is held by run {claim['run_id']} (process {claim['owner']}, since "
                f"{claim['claimed_at']:%Y-%m-%d %H:%M:%S} UTC); let it end, or end it, and run again"
            )


def _claim(stage: str, day: date, run_id: str, lease: timedelta) -> dict[str, Any]:
    claimed_at = now()
    return {
        "date": day,
        "stage": stage,
        "run_id": run_id,
        "owner": owner(),
        "claimed_at": claimed_at,
        "expires_at": claimed_at + lease,
    }
