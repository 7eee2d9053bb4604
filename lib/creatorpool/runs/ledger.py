"""The ledger: which stage of which day is published, by which run, from and into which table versions.

A stage writes its tables first and its ledger row last, in one commit: that commit publishes the day. Readers take the
table versions that the row names, so what a later, unfinished run wrote is never seen. Payouts have one row a pool in
`allocation_runs` (`runs.pools`); every other stage has one row in `stage_runs`. Before a run changes a table, a row
with status `running` says which tables it is about to change: whoever comes after a run that was killed knows from it
what to undo (`stages.recovery`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from creatorpool.tables import Warehouse

INGEST, SIGNALS, ALLOCATE = "ingest", "signals", "allocate"

RUNNING, PUBLISHED, SUPERSEDED, FAILED, RELEASED = "running", "published", "superseded", "failed", "released"


@dataclass(frozen=True)
class StageRun:
    """One run of a stage: what it read, what it wrote."""

    day: date
    stage: str
    run_id: str
    config_sha256: str
    code_version: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, int]
    rows: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime
    seconds: float | None = None
    sequence: int | None = None
    """grows from publication to publication; None of runs of versions before 0.2"""
    config_json: str | None = None

    @property
    def subject(self) -> tuple[str, Any]:
        """What of its day the run publishes: a later run of the same subject supersedes it."""
        return self.stage, self.inputs.get("against")


def published_run(warehouse: Warehouse, stage: str, day: date) -> StageRun | None:
    """The run that published `stage` of `day`, the latest if there were several, or None."""
    return latest_run(published_runs(warehouse, stage, [day]))


def latest_run(runs: Iterable[StageRun]) -> StageRun | None:
    """The run that was published last, or None if there are none."""
    return max(runs, key=_order, default=None)


def in_order(runs: Iterable[StageRun]) -> list[StageRun]:
    """`runs` in the order in which they were published."""
    return sorted(runs, key=_order)


def published_runs(
    warehouse: Warehouse, stage: str | None = None, days: Collection[date] | None = None
) -> list[StageRun]:
    """Every published run of `stage`, or of all stages, of these days or of all."""
    rows = _stage_rows(warehouse, stage, PUBLISHED, next(iter(days)) if days and len(days) == 1 else None)
    return [_run_of(row) for row in rows if days is None or row["date"] in days]


def begin_runs(warehouse: Warehouse, runs: Sequence[StageRun]) -> None:
    """Note that `runs`, all of one day, are about to change tables."""
    _rewrite_day(
        warehouse, runs[0].day, lambda rows, _: [*_without(rows, runs), *(_stage_record(run, RUNNING) for run in runs)]
    )


def unfinished_runs(warehouse: Warehouse, stage: str | None = None) -> list[StageRun]:
    """Runs of `stage`, or of all, that began and neither published nor were undone, the latest first."""
    return in_order(map(_run_of, _stage_rows(warehouse, stage, RUNNING)))[::-1]


def publish_run(warehouse: Warehouse, run: StageRun) -> StageRun:
    """Publish `run` in one commit, and return it with its sequence; earlier ones of its subject become superseded."""
    published = run

    def change(rows: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
        nonlocal published
        published = replace(run, sequence=version)
        kept = [_superseded(row, run) for row in _without(rows, [run])]
        return [*kept, _stage_record(published, PUBLISHED)]

    _rewrite_day(warehouse, run.day, change)
    return published


def forget_run(warehouse: Warehouse, run: StageRun) -> None:
    """Take out the row that `run` began with: another table of the ledger has what it published."""
    _rewrite_day(warehouse, run.day, lambda rows, _: _without(rows, [run]))


def fail_run(warehouse: Warehouse, run: StageRun) -> None:
    """Note that `run` was undone."""
    _rewrite_day(warehouse, run.day, lambda rows, _: [*_without(rows, [run]), _stage_record(run, FAILED)])


def note_release(warehouse: Warehouse, run: StageRun) -> None:
    """Note that the claim of `run` was released; its `rows` say why."""
    _rewrite_day(warehouse, run.day, lambda rows, _: [*rows, _stage_record(run, RELEASED)])


def _rewrite_day(
    warehouse: Warehouse, day: date, change: Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]
) -> None:
    warehouse.rewrite_day_records("stage_runs", day, change)


def _without(rows: Iterable[dict[str, Any]], runs: Iterable[StageRun]) -> list[dict[str, Any]]:
    gone = {(run.stage, run.run_id) for run in runs}
    return [row for row in rows if (row["stage"], row["run_id"]) not in gone]


def _superseded(row: dict[str, Any], run: StageRun) -> dict[str, Any]:
    is_replaced = row["status"] == PUBLISHED and _run_of(row).subject == run.subject
    return row | {"status": SUPERSEDED} if is_replaced else row


def _stage_rows(warehouse: Warehouse, stage: str | None, status: str, day: date | None = None) -> list[dict[str, Any]]:
    if not warehouse.exists("stage_runs"):
        return []
    rows = warehouse.read_arrow("stage_runs", day=day).to_pylist()
    return [row for row in rows if row["status"] == status and stage in (None, row["stage"])]


def _order(run: StageRun) -> tuple[int, datetime, str]:
    """Runs with a sequence by it, after all others; those by their clocks, for want of anything better."""
    return (-1, run.finished_at, run.run_id) if run.sequence is None else (run.sequence, run.finished_at, run.run_id)


def _run_of(row: Mapping[str, Any]) -> StageRun:
    return StageRun(
        day=row["date"],
        stage=row["stage"],
        run_id=row["run_id"],
        config_sha256=row["config_sha256"],
        code_version=row["code_version"],
        inputs=json.loads(row["input_versions"]),
        outputs=json.loads(row["output_versions"]),
        rows=json.loads(row["rows"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        seconds=row["seconds"],
        sequence=row["sequence"],
        config_json=row["config_json"],
    )


def _stage_record(run: StageRun, status: str) -> dict[str, Any]:
    return {
        "date": run.day,
        "stage": run.stage,
        "run_id": run.run_id,
        "status": status,
        "config_sha256": run.config_sha256,
        "code_version": run.code_version,
        "input_versions": as_json(run.inputs),
        "output_versions": as_json(run.outputs),
        "rows": as_json(run.rows),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": run.seconds,
        "sequence": run.sequence,
        "config_json": run.config_json,
    }


def as_json(content: Mapping[str, Any]) -> str:
    """Canonical JSON: the same content gives the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
