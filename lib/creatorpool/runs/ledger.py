"""The ledger: which run published which stage of which day, and which table versions it read and wrote.

A stage writes its tables first. Then one commit writes its ledger row, and this commit publishes the day. Readers take
the table versions that the row names, so they never see rows of an unfinished run. Payouts have one row per pool in
`allocation_runs` (`runs.pools`); every other stage has one row in `stage_runs`. Before a run changes a table, it writes
a row with status `running` that names the tables. If the run is killed, that row tells what to undo
(`stages.recovery`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.storage.records import arrow_schema
from creatorpool.tables import Warehouse

INGEST, LOAD, SIGNALS, ALLOCATE = "ingest", "load", "signals", "allocate"
RESTATE, POST, CLOSE, PAY = "restate", "post", "close", "pay"
BOOK_STAGES = (RESTATE, POST, CLOSE, PAY)
"""The stages that write the books, of which one runs at a time"""

RUNNING, PUBLISHED, SUPERSEDED, FAILED, RELEASED = "running", "published", "superseded", "failed", "released"


@dataclass(frozen=True)
class StageRun:
    """One run of a stage: a row of `stage_runs`, whose contract describes each column."""

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
    """Grows with each publication; None for runs of versions before 0.2"""
    config_json: str | None = None

    @property
    def base(self) -> Mapping[str, int]:
        """Of an ingestion: versions of the shared tables that have everything but its rows."""
        versions: Mapping[str, int] = self.inputs.get("base") or self.inputs["before"]
        return versions

    @property
    def with_later_days(self) -> Mapping[str, int]:
        """Of an ingestion: versions of the tables at its end, which have the rows of later days, too."""
        return {**self.outputs, **self.inputs.get("latest", {})}

    @property
    def without(self) -> list[date]:
        """Of a close: the days of its month that have no payouts and never will, ascending."""
        return [date.fromisoformat(day) for day in self.rows.get("without", ())]

    @property
    def subject(self) -> tuple[str, Any]:
        """Stage and ``against`` entry: a later published run of the day with the same subject supersedes this one."""
        return self.stage, self.inputs.get("against")


@dataclass(frozen=True)
class StageLedger:
    """The rows of `stage_runs` in its latest version, or those of some days, for several questions about one moment."""

    table: pa.Table

    @classmethod
    def read(cls, warehouse: Warehouse, days: Collection[date] | None = None) -> StageLedger:
        """The ledger of `days` (default: of all days); it has no rows if the table does not exist."""
        if not warehouse.exists("stage_runs"):
            return cls(arrow_schema(warehouse.contract("stage_runs")).empty_table())
        return cls(warehouse.read_arrow("stage_runs", days=days))

    def published_days(self) -> set[date]:
        """All days of which a stage is published."""
        days: pa.ChunkedArray = self.table.column("date").filter(pc.equal(self.table.column("status"), PUBLISHED))
        return set(days.unique().to_pylist())

    def days_without(self) -> set[date]:
        """The days without payouts that months were closed without: they never get any."""
        return {day for run in self.runs(PUBLISHED, CLOSE) for day in run.without}

    def failed(self) -> list[StageRun]:
        """Runs that failed and whose changes were undone, the latest of each day and stage, unless it is published."""
        latest = {(run.day, run.stage): run for run in in_order(self.runs(FAILED))}
        done = {(run.day, run.stage) for run in self.runs(PUBLISHED, days={day for day, _ in latest})}
        return [run for subject, run in sorted(latest.items()) if subject not in done]

    def unfinished(self, stage: str | None = None) -> list[StageRun]:
        """Runs of `stage` (default: of all stages) that began to publish and did not finish, the latest first."""
        return in_order(self.runs(RUNNING, stage))[::-1]

    def runs(self, status: str, stage: str | None = None, days: Collection[date] | None = None) -> list[StageRun]:
        """The runs with `status` of `stage` (default: of all stages) and of `days` (default: of all days)."""
        wanted = pc.equal(self.table.column("status"), status)
        if stage is not None:
            wanted = pc.and_(wanted, pc.equal(self.table.column("stage"), stage))
        if days is not None:
            wanted = pc.and_(wanted, pc.is_in(self.table.column("date"), pa.array([*days], pa.date32())))
        return [_run_of(row) for row in self.table.filter(wanted).to_pylist()]


def published_run(warehouse: Warehouse, stage: str, day: date) -> StageRun | None:
    """The run that published `stage` of `day`, the last if there were several, or None."""
    return latest_run(published_runs(warehouse, stage, [day]))


def latest_run(runs: Iterable[StageRun]) -> StageRun | None:
    """The run that was published last, or None if there are none."""
    return max(runs, key=_order, default=None)


def in_order(runs: Iterable[StageRun]) -> list[StageRun]:
    """`runs` sorted by the order of their publication."""
    return sorted(runs, key=_order)


def published_runs(
    warehouse: Warehouse, stage: str | None = None, days: Collection[date] | None = None
) -> list[StageRun]:
    """All published runs of `stage` (default: of all stages) and of `days` (default: of all days)."""
    return StageLedger.read(warehouse, days).runs(PUBLISHED, stage)


def days_without(warehouse: Warehouse) -> set[date]:
    """The days without payouts that months were closed without: they never get any."""
    return StageLedger.read(warehouse).days_without()


def unfinished_runs(warehouse: Warehouse, stage: str | None = None) -> list[StageRun]:
    """Runs of `stage` (default: of all stages) that began to publish and did not finish, the latest first."""
    return StageLedger.read(warehouse).unfinished(stage)


def begin_runs(warehouse: Warehouse, runs: Sequence[StageRun]) -> None:
    """Store rows with status `running` for `runs`, all of one day, before they change tables."""
    _rewrite_day(
        warehouse, runs[0].day, lambda rows, _: [*_without(rows, runs), *(_stage_record(run, RUNNING) for run in runs)]
    )


def publish_run(warehouse: Warehouse, run: StageRun) -> StageRun:
    """Publish `run` in one commit, which also marks earlier runs of its subject as superseded; return it with sequence.

    Raises
    ------
    OutlivedLeaseError
        If another run has taken over the claim of this run.
    """
    published = run

    def change(rows: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
        nonlocal published
        published = replace(run, sequence=version)
        kept = [_superseded(row, run) for row in _without(rows, [run])]
        return [*kept, _stage_record(published, PUBLISHED)]

    _rewrite_day(warehouse, run.day, change)
    return published


def forget_run(warehouse: Warehouse, run: StageRun) -> None:
    """Delete the row with status `running` of `run`, whose publication is in `allocation_runs`."""
    _rewrite_day(warehouse, run.day, lambda rows, _: _without(rows, [run]))


def fail_run(warehouse: Warehouse, run: StageRun) -> None:
    """Store `run` with status `failed`: its changes were undone."""
    _rewrite_day(warehouse, run.day, lambda rows, _: [*_without(rows, [run]), _stage_record(run, FAILED)])


def note_release(warehouse: Warehouse, run: StageRun) -> None:
    """Store a row with status `released`: the claim of `run` was released, for the reason in its `rows`."""
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


def _order(run: StageRun) -> tuple[int, datetime, str]:
    """Sort key: runs without a sequence come first, by the time of their end; then runs by sequence."""
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
    """Canonical JSON: equal content gives equal text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
