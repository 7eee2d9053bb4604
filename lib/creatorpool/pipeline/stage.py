"""The one protocol by which every stage of a day is published.

1. If the stage is published from the same inputs, it stands: nothing is written.
2. The run claims the stage of the day (`runs.claims`); of two runs, one is refused. What a killed run left of the stage
   is undone or completed first (`pipeline.recovery`).
3. It looks again: another run may have published while this one waited.
4. It computes. Rows go to files that no table names yet, and are checked there against their contracts.
5. It publishes: a ledger row says which tables are about to change, each table gets its rows in one commit, and the
   commit of the ledger's row publishes them all. Readers take the versions that the ledger names.

A run may end between any two of these lines. Before line 5 nothing but files that nobody reads is left; within it, the
ledger tells the next command that writes what to undo. Running a stage again is always safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from creatorpool.pipeline.night import Night
from creatorpool.pipeline.recovery import recover
from creatorpool.runs.claims import require_held
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, begin_runs, latest_run, publish_run, published_runs


@dataclass(frozen=True)
class Stage:
    """What a stage is called, which tables it writes, and which sections of the configuration it depends on."""

    name: str
    tables: tuple[str, ...]
    sections: tuple[str, ...]


Standing = Callable[[StageRun], bool]
"""Whether a published run of the stage stands, so that nothing has to be computed."""


def run_stage(
    night: Night,
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
        Stores the stage's rows through `night`, and returns facts for the ledger.
    stands : callable, optional
        By default a run stands that had the same inputs, configuration and code.
    """
    is_current = stands or (lambda run: _is_same(night, stage, inputs, run))
    done = published_stage(night, stage, inputs)
    if done is not None and is_current(done):
        night.log(stage.name, f"already published by run {done.run_id}")
        return done
    with night.stage(stage.name, stage.tables):
        recover(night.warehouse, night.log, held=[(stage.name, night.day)])
        newer = published_stage(night, stage, inputs)
        if newer is not None and newer != done and is_current(newer):
            night.log(stage.name, f"published by run {newer.run_id} meanwhile")
            return newer
        facts = compute()
        return publish_stage(night, stage, inputs, facts)


def published_stage(night: Night, stage: Stage, inputs: Mapping[str, Any]) -> StageRun | None:
    """The run that published `stage` of the run's day last, of the same subject as `inputs`."""
    runs = published_runs(night.warehouse, stage.name, [night.day])
    return latest_run(run for run in runs if run.inputs.get("against") == inputs.get("against"))


def publish_stage(night: Night, stage: Stage, inputs: Mapping[str, Any], facts: Mapping[str, Any]) -> StageRun:
    """Make the stage's stored rows rows of their tables, and publish them in one commit of the ledger."""
    run = night.finished(stage.name, stage.sections, inputs, {}, facts)
    if night.dry_run:
        return run
    begin_publication(night, run)
    night.commit_staged()
    return publish_run(night.warehouse, replace(run, outputs=dict(night.outputs)))


def begin_publication(night: Night, *runs: StageRun) -> None:
    """Note in the ledger what `runs`, whose claims this run holds, are about to change."""
    night.keep_results()
    for run in runs:
        require_held(night.warehouse, run.stage, run.day, run.run_id)
    tables = [staged.table for staged in night.staged]
    begin_runs(night.warehouse, [replace(run, rows={"changes": tables, "facts": dict(run.rows)}) for run in runs])


def _is_same(night: Night, stage: Stage, inputs: Mapping[str, Any], run: StageRun) -> bool:
    same_numbers = (run.config_sha256, run.code_version) == (night.settings.sha256(*stage.sections), code_version())
    return same_numbers and dict(run.inputs) == dict(inputs)
