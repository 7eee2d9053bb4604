"""What runs that were killed while they published left behind, completed or undone by the next command that writes.

The ledger's rows with status `running` say what a run was about to change. Of a run whose claim nobody holds any more,
the payouts decide: where the ledger has them as published, the rest of the publication is completed; else every table
gets the rows back that are published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Protocol

from creatorpool.contracts import stage_tables
from creatorpool.errors import RunInProgressError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.identity import new_run_id, now
from creatorpool.runs.ledger import (
    ALLOCATE,
    INGEST,
    SIGNALS,
    StageRun,
    fail_run,
    forget_run,
    publish_run,
    unfinished_runs,
)
from creatorpool.runs.pools import published_pools
from creatorpool.runs.published import published_version
from creatorpool.tables import Warehouse

SHARED_TABLES = ("events", "viewers", "videos", "creators", "entrants", "drawer_positions")
"""Tables in which one day's ingestion may touch what other days need: undone whole."""

_LEASE = timedelta(minutes=10)


class Log(Protocol):
    """What tells what was done, such as `RunContext.log`."""

    def __call__(self, subject: str, message: str, **facts: Any) -> None: ...


def recover(warehouse: Warehouse, log: Log, held: Collection[tuple[str, date]] = ()) -> None:
    """Complete or undo what runs that ended left unpublished; what a live run is doing is left to it.

    `held` are the claims that the caller holds: for other stages and days, recovery takes the claims itself.
    """
    for run in unfinished_runs(warehouse):
        claim = (run.stage, claim_day(run.stage, run.day))
        try:
            with _claim(warehouse, claim, held) as own:
                _recover_one(own, run, log)
        except RunInProgressError as error:
            log(run.stage, f"{run.day} is being published by run {run.run_id}: {error}")


def claim_day(stage: str, day: date) -> date:
    """The day on which `stage` of `day` is claimed: ingestions of different days must not run side by side."""
    return EVERY_DAY if stage == INGEST else day


def _claim(
    warehouse: Warehouse, claim: tuple[str, date], held: Collection[tuple[str, date]]
) -> AbstractContextManager[Warehouse]:
    if claim in held:
        return nullcontext(warehouse)
    return claimed(warehouse, *claim, new_run_id(now()), _LEASE)


def _recover_one(warehouse: Warehouse, run: StageRun, log: Log) -> None:
    if run not in unfinished_runs(warehouse, run.stage):
        return  # the run, or another recovery, got there first
    undo: Callable[[Warehouse, StageRun], None] = undo_ingestion if run.stage == INGEST else _undo_stage
    if run.stage in (SIGNALS, ALLOCATE) and _is_paid_by(warehouse, run):
        _complete(warehouse, run)
        log(run.stage, f"completed the publication of {run.day} that run {run.run_id} was killed in")
        return
    undo(warehouse, run)
    log(run.stage, f"undid what run {run.run_id} of {run.day} left unpublished")


def _is_paid_by(warehouse: Warehouse, run: StageRun) -> bool:
    """Whether payouts of the day are published by `run`: that commit publishes its scores as well."""
    return any(pool.run_id == run.run_id for pool in published_pools(warehouse, run.day).values())


def _complete(warehouse: Warehouse, run: StageRun) -> None:
    if run.stage == ALLOCATE:
        forget_run(warehouse, run)
    else:
        versions = {table: published_version(warehouse, table, run.day) for table in stage_tables(SIGNALS)}
        outputs = {table: version for table, version in versions.items() if version is not None}
        publish_run(warehouse, replace(run, outputs=outputs, rows=run.rows["facts"]))


def undo_ingestion(warehouse: Warehouse, run: StageRun) -> None:
    """Take back what an ingestion wrote: a corrected delivery would be added to it."""
    for table in SHARED_TABLES:
        warehouse.restore(table, run.inputs["before"].get(table))
    fail_run(warehouse, run)


def _undo_stage(warehouse: Warehouse, run: StageRun) -> None:
    for table in run.rows["changes"]:
        warehouse.restore_day(table, run.day, published_version(warehouse, table, run.day))
    fail_run(warehouse, run)
