"""The one protocol by which every stage of a day is published.

1. If the stage is published from the same inputs, it stands: nothing is written.
2. The run claims the stage of the day (`runs.claims`); of two runs, one is refused. What a killed run left of the stage
   is undone or completed first (`stages.recovery`).
3. It looks again: another run may have published while this one waited.
4. It computes. Rows go to files that no table names yet, and are checked there against their contracts.
5. It publishes: a ledger row says which tables are about to change, each table gets its rows in one commit, and the
   commit of the ledger's row publishes them all. Readers take the versions that the ledger names.

A run may end between any two of these lines. Before line 5 nothing but files that nobody reads is left; within it, the
ledger tells the next command that writes what to undo. Running a stage again is always safe.

A stage is declared by a `Stage`: its tables are those whose contract names it. `stages.order` lists all stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from creatorpool.contracts import stage_tables
from creatorpool.runs.claims import require_held
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, begin_runs, latest_run, publish_run, published_runs
from creatorpool.stages.context import RunContext
from creatorpool.stages.recovery import claim_day, recover

Published = TypeVar("Published")


@dataclass(frozen=True)
class Stage:
    """What a stage is called, which tables it reads, and which sections of the configuration it depends on."""

    name: str
    reads: tuple[str, ...]
    sections: tuple[str, ...]
    shared: tuple[str, ...] = ()
    """Tables it writes that hold more than the day, so that no contract names the stage"""

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables it writes."""
        return self.shared or stage_tables(self.name)


Standing = Callable[[StageRun], bool]
"""Whether a published run of the stage stands, so that nothing has to be computed."""


def publish_once(
    context: RunContext,
    stages: Sequence[Stage],
    find: Callable[[], Published | None],
    publish: Callable[[], Published],
) -> Published:
    """What `find` finds published; else, under the claims of `stages`, what `publish` publishes (lines 1 to 3 above).

    `find` is asked again once the claims are held; a republication finds nothing.
    """
    found = find()
    if found is not None:
        return found
    with ExitStack() as claims:
        for stage in stages:
            claims.enter_context(context.holding(stage.name, claim_day(stage.name, context.day), stage.tables))
        held = [(stage.name, claim_day(stage.name, context.day)) for stage in stages]
        if not context.dry_run:
            recover(context.warehouse, context.log, held=held)
        found = find()
        return publish() if found is None else found


def run_stage(
    context: RunContext,
    stage: Stage,
    inputs: Mapping[str, Any],
    compute: Callable[[], Mapping[str, Any]],
    stands: Standing | None = None,
) -> StageRun:
    """The published run of `stage`; published first unless it stands.

    Parameters
    ----------
    inputs : mapping
        What the stage reads, for the ledger: versions of tables, and other facts that decide the result. An entry
        ``against`` tells apart what a stage publishes side by side of one day.
    compute : callable
        Stores the stage's rows through `context`, and returns facts for the ledger.
    stands : callable, optional
        By default a run stands that had the same inputs, configuration and code.
    """

    def find() -> StageRun | None:
        run = published_stage(context, stage, inputs)
        if run is None or not (_is_same(context, stage, inputs, run) if stands is None else stands(run)):
            return None
        context.log(stage.name, f"already published by run {run.run_id}")
        return run

    return publish_once(context, [stage], find, lambda: publish_stage(context, stage, inputs, compute()))


def published_stage(context: RunContext, stage: Stage, inputs: Mapping[str, Any]) -> StageRun | None:
    """The run that published `stage` of the run's day last, of the same subject as `inputs`."""
    runs = published_runs(context.warehouse, stage.name, [context.day])
    return latest_run(run for run in runs if run.inputs.get("against") == inputs.get("against"))


def publish_stage(context: RunContext, stage: Stage, inputs: Mapping[str, Any], facts: Mapping[str, Any]) -> StageRun:
    """Make the stage's stored rows rows of their tables, and publish them in one commit of the ledger."""
    run = context.finished(stage.name, stage.sections, inputs, {}, facts)
    if context.dry_run:
        return run
    begin_publication(context, run)
    context.commit_staged()
    return publish_run(context.warehouse, replace(run, outputs=dict(context.outputs)))


def begin_publication(context: RunContext, *runs: StageRun) -> None:
    """Note in the ledger what `runs`, whose claims this run holds, are about to change."""
    context.keep_results()
    for run in runs:
        require_held(context.warehouse, run.stage, run.day, run.run_id)
    tables = [staged.table for staged in context.staged]
    begin_runs(context.warehouse, [replace(run, rows={"changes": tables, "facts": dict(run.rows)}) for run in runs])


def _is_same(context: RunContext, stage: Stage, inputs: Mapping[str, Any], run: StageRun) -> bool:
    same_numbers = (run.config_sha256, run.code_version) == (context.settings.sha256(*stage.sections), code_version())
    return same_numbers and dict(run.inputs) == dict(inputs)
