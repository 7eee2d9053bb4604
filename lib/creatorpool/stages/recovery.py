"""Completes or undoes publications that killed runs did not finish. The next command that writes does this.

A ledger row with status `running` names the tables that a run was about to change. If no live run holds the run's claim
any more, recovery looks at the payouts: if the ledger has payouts that the run published, recovery completes the rest
of the publication; otherwise it restores the published rows in every table. An ingestion that replaces the day's
delivery is published by the commit of its payouts, and is completed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Protocol

from creatorpool.contracts import stage_tables
from creatorpool.errors import RunInProgressError
from creatorpool.ingest.delivery import OPTIONAL_TABLES, REQUIRED_TABLES, SETTLEMENT_TABLES
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.identity import new_run_id, now
from creatorpool.runs.ledger import (
    ALLOCATE,
    BOOK_STAGES,
    INGEST,
    LOAD,
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

SHARED_TABLES = ("events", "viewers", "videos", "creators", "entrants", "drawer_positions", *SETTLEMENT_TABLES)
"""Tables in which an ingestion or a load may change rows that other days need. Undoing it restores them completely."""

_DELIVERED = (*REQUIRED_TABLES, *OPTIONAL_TABLES)
_DAILY_TABLES = (
    *(table for table in _DELIVERED if table not in SHARED_TABLES),
    *(f"{table}_quarantine" for table in _DELIVERED),
)
"""Tables of which an ingestion replaces the rows of its day only"""

BOOKS = "books"
"""Name of the claim of all stages that write the books"""

_LEASE = timedelta(minutes=10)


class Log(Protocol):
    """A function that logs what recovery did, such as `RunContext.log`."""

    def __call__(self, subject: str, message: str, **facts: Any) -> None: ...


def recover(warehouse: Warehouse, log: Log, held: Collection[tuple[str, date]] = (), own: str = "") -> None:
    """Complete or undo all unfinished publications of runs that have ended; skip those of live runs and of run `own`.

    `held` names the claims, (stage, day), that the caller holds. For other stages and days recovery takes the claims.
    """
    for run in unfinished_runs(warehouse):
        if run.run_id == own:
            continue
        claim = claim_of(run.stage, run.day)
        try:
            with _claim(warehouse, claim, held) as fenced:
                _recover_one(fenced, run, log)
        except RunInProgressError as error:
            log(run.stage, f"{run.day} is being published by run {run.run_id}: {error}")


def claim_of(stage: str, day: date) -> tuple[str, date]:
    """Stage and day under which `stage` of `day` is claimed: one claim for all ingestions and loads.

    They change tables that all days share, so only one of them may run at a time. The stages that write the books have
    one claim, too.
    """
    if stage in (INGEST, LOAD):
        return INGEST, EVERY_DAY
    return (BOOKS, EVERY_DAY) if stage in BOOK_STAGES else (stage, day)


def _claim(
    warehouse: Warehouse, claim: tuple[str, date], held: Collection[tuple[str, date]]
) -> AbstractContextManager[Warehouse]:
    if claim in held:
        return nullcontext(warehouse)
    return claimed(warehouse, *claim, new_run_id(now()), _LEASE)


def _recover_one(warehouse: Warehouse, run: StageRun, log: Log) -> None:
    if run not in unfinished_runs(warehouse, run.stage):
        return  # the run itself, or another recovery, has finished it
    undo: Callable[[Warehouse, StageRun], None] = {INGEST: undo_ingestion, LOAD: _undo_load}.get(run.stage, _undo_stage)
    if run.stage in (INGEST, SIGNALS, ALLOCATE) and _is_paid_by(warehouse, run):
        _complete(warehouse, run)
        log(run.stage, f"completed the publication of {run.day} that run {run.run_id} had begun")
        return
    undo(warehouse, run)
    log(run.stage, f"undid the unfinished publication of {run.day} by run {run.run_id}")


def _is_paid_by(warehouse: Warehouse, run: StageRun) -> bool:
    """Whether `run` has published payouts: the commit that did so has published its scores and its ingestion, too."""
    return any(pool.run_id == run.run_id for pool in published_pools(warehouse, run.day).values())


def _complete(warehouse: Warehouse, run: StageRun) -> None:
    if run.stage == ALLOCATE:
        forget_run(warehouse, run)
    elif run.stage == INGEST:
        publish_run(warehouse, replace(run, rows=run.rows["facts"]))
    else:
        versions = {table: published_version(warehouse, table, run.day) for table in stage_tables(SIGNALS)}
        outputs = {table: version for table, version in versions.items() if version is not None}
        publish_run(warehouse, replace(run, outputs=outputs, rows=run.rows["facts"]))


def undo_ingestion(warehouse: Warehouse, run: StageRun) -> None:
    """Restore the tables that an ingestion changed: those of all days as a whole, those of its day as published."""
    for table in SHARED_TABLES:
        warehouse.restore(table, run.inputs["before"].get(table))
    for table in _DAILY_TABLES:
        warehouse.restore_day(table, run.day, published_version(warehouse, table, run.day))
    fail_run(warehouse, run)


def _undo_load(warehouse: Warehouse, run: StageRun) -> None:
    """Restore the tables that a load changed; it holds the claim of ingestions, so no other run has changed them."""
    for table in run.rows["changes"]:
        if table in SHARED_TABLES:
            warehouse.restore(table, run.inputs["before"].get(table))
        else:
            warehouse.restore_day(table, run.day, published_version(warehouse, table, run.day))
    fail_run(warehouse, run)


def _undo_stage(warehouse: Warehouse, run: StageRun) -> None:
    for table in run.rows["changes"]:
        warehouse.restore_day(table, run.day, published_version(warehouse, table, run.day))
    fail_run(warehouse, run)
