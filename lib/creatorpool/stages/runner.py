"""The protocol that publishes every stage of a day.

1. Look for a published run of the stage that is current (each stage defines what current means). If there is one,
   write nothing.
2. Claim the stage of the day (`runs.claims`). If another live run holds the claim, end with RunInProgressError. Then
   complete or undo what killed runs left (`stages.recovery`).
3. Look again for a published run: another run may have published before this run got the claim.
4. Compute. Write the rows to files that no table names yet, and check them against the contracts.
5. Publish. First a ledger row with status `running` names the tables that will change. Then each table gets its rows in
   one commit. Finally one commit sets the ledger row to `published`, and this commit publishes all tables of the stage.
   Readers take the table versions that the ledger names.

What a user must know:

- Running twice. It is always safe to run a stage again. If a current run is published, the second run changes nothing.
- Killing. A run may be killed at any point, and the published state stays as it was. Before step 5 it leaves only files
  that nobody reads. During step 5 the ledger row `running` tells the next command that writes what to complete or undo.
  Run the stage again: it ends in the same tables.
- Two runs at once. One holds the claim; the other ends with an error that names the holder, and changes nothing. Of a
  stage with `patience`, whose second run would publish the same, the other waits, and then finds it published.
- Taking over. A run takes the claim of a killed run immediately on the same machine, and after the lease
  (`runs.lease_minutes`) from another machine. It never takes the claim of a process that lives on its machine. A run
  that lost its claim while it was paused can commit nothing more (`storage.fence`).

The stage `ingest` differs: it writes the row `running` before step 4, and its tables during step 4. If it fails, it
restores the tables; if it is killed, the next command that writes restores them.

A `Stage` declares a stage; the contracts name the stage that publishes each table. `stages.order` lists all stages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from creatorpool.contracts import stage_tables
from creatorpool.runs.claims import require_held
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, begin_runs, latest_run, publish_run, published_runs
from creatorpool.stages.context import RunContext
from creatorpool.stages.recovery import claim_of, recover

Published = TypeVar("Published")


@dataclass(frozen=True)
class Stage:
    """A stage: its name, the tables that it reads, and the sections of the configuration that it depends on."""

    name: str
    reads: tuple[str, ...]
    sections: tuple[str, ...]
    shared: tuple[str, ...] = ()
    """Tables that it writes and that hold more than one day's rows, so that no contract names the stage"""
    patience: timedelta = timedelta(0)
    """How long a run waits while another one holds the stage of the day"""

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that the stage writes."""
        return self.shared or stage_tables(self.name)


IsCurrent = Callable[[StageRun], bool]
"""Whether a published run of the stage is current, so that nothing has to be computed."""


def publish_once(
    context: RunContext,
    stages: Sequence[Stage],
    find: Callable[[], Published | None],
    publish: Callable[[], Published],
) -> Published:
    """Return what `find` finds published; else claim `stages` and return what `publish` publishes (steps 1 to 3).

    `find` is called again once the claims are held. For a republication it returns None both times.

    Raises
    ------
    RunInProgressError
        If another live run holds one of the claims.
    """
    found = find()
    if found is not None:
        return found
    with ExitStack() as claims:
        for stage in stages:
            claim = claim_of(stage.name, context.day)
            claims.enter_context(context.holding(stage.name, claim, stage.tables, stage.patience))
        held = [claim_of(stage.name, context.day) for stage in stages]
        if not context.dry_run:
            recover(
                context.warehouse, context.log, held=held, own=context.ingestion.run_id if context.ingestion else ""
            )
        found = find()
        done = publish() if found is None else found
    if len(stages) > 1:
        context.join_seconds([stage.name for stage in stages])
    return done


def run_stage(
    context: RunContext,
    stage: Stage,
    inputs: Mapping[str, Any],
    compute: Callable[[], Mapping[str, Any]],
    is_current: IsCurrent | None = None,
    beside: Sequence[Stage] = (),
) -> StageRun:
    """Return the published run of `stage`; if none is current, compute and publish it first (steps 1 to 5).

    Parameters
    ----------
    inputs : mapping
        What the stage reads, for the ledger: versions of tables, and other facts that decide the result. If a stage
        publishes several results of one day side by side, the entry ``against`` distinguishes them.
    compute : callable
        Stores the stage's rows through `context`, and returns facts for the ledger.
    is_current : callable, optional
        By default a run is current if it had the same inputs, configuration and code.
    beside : sequence of Stage
        Stages of the day that must not run meanwhile; their claims are held, too.

    Raises
    ------
    RunInProgressError
        If another live run holds the stage of the day.
    ContractViolationError
        If a stored row breaks a rule of severity `error`: then nothing is published.
    """

    def find() -> StageRun | None:
        run = published_stage(context, stage, inputs)
        if run is None or not (_is_same(context, stage, inputs, run) if is_current is None else is_current(run)):
            return None
        context.note(stage.name, f"already published by run {run.run_id}", published_by=run.run_id)
        return run

    stages = [*beside, stage]
    return publish_once(context, stages, find, lambda: publish_stage(context, stage, inputs, compute()))


def published_stage(context: RunContext, stage: Stage, inputs: Mapping[str, Any]) -> StageRun | None:
    """The run that last published `stage` of the context's day with the same ``against`` as `inputs`, or None."""
    runs = published_runs(context.warehouse, stage.name, [context.day])
    return latest_run(run for run in runs if run.inputs.get("against") == inputs.get("against"))


def publish_stage(context: RunContext, stage: Stage, inputs: Mapping[str, Any], facts: Mapping[str, Any]) -> StageRun:
    """Commit the stage's stored rows to their tables, then publish them by one commit of the ledger (step 5).

    Raises
    ------
    RunInProgressError
        If the run has lost its claim: then nothing is published.
    """
    run = context.finished(stage.name, stage.sections, inputs, {}, facts)
    context.note(stage.name, f"computed from {dict(inputs)}", logging.DEBUG, inputs=inputs, config=run.config_sha256)
    if context.dry_run:
        return run
    begin_publication(context, run)
    context.commit_staged()
    latest = {"latest": dict(context.latest)} if context.latest else {}
    return publish_run(context.warehouse, replace(run, inputs={**run.inputs, **latest}, outputs=dict(context.outputs)))


def begin_publication(context: RunContext, *runs: StageRun) -> None:
    """Write ledger rows with status `running` that name the tables that `runs` will change.

    Raises
    ------
    RunInProgressError
        If the context's run does not hold the claim of each of `runs` any more.
    """
    context.keep_results()
    for run in runs:
        require_held(context.warehouse, *claim_of(run.stage, run.day), run.run_id)
    tables = [staged.table for staged in context.staged]
    begin_runs(
        context.warehouse,
        [replace(run, rows={"changes": _changed_by(run, runs, tables), "facts": dict(run.rows)}) for run in runs],
    )


def _changed_by(run: StageRun, runs: Sequence[StageRun], tables: Sequence[str]) -> list[str]:
    """Those of `tables` that `run` changes, and that recovery restores under the claim of its stage and no other."""
    return [table for table in tables if len(runs) == 1 or table in stage_tables(run.stage)]


def _is_same(context: RunContext, stage: Stage, inputs: Mapping[str, Any], run: StageRun) -> bool:
    same_numbers = (run.config_sha256, run.code_version) == (context.settings.sha256(*stage.sections), code_version())
    return same_numbers and dict(run.inputs) == dict(inputs)
