"""The ledger: which stage of which day is published, by which run, from and into which table versions.

A stage writes its tables first and its ledger row last, in one commit: that commit publishes the day. Readers take the
table versions that the row names, so what a later, unfinished run wrote is never seen. The allocation's rows are in
`allocation_runs`, one a pool; every other stage has one row in `stage_runs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from creatorpool.runs.identity import code_version
from creatorpool.tables import Warehouse

INGEST, SIGNALS, ALLOCATE = "ingest", "signals", "allocate"

PUBLISHED, SUPERSEDED = "published", "superseded"


@dataclass(frozen=True)
class StageRun:
    """One published run of a stage: what it read, what it wrote."""

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


def published_run(warehouse: Warehouse, stage: str, day: date) -> StageRun | None:
    """The run that published `stage` of `day`, the latest if there were several, or None."""
    if not warehouse.exists("stage_runs"):
        return None
    rows = [
        row
        for row in warehouse.read_arrow("stage_runs", day=day).to_pylist()
        if row["stage"] == stage and row["status"] == PUBLISHED
    ]
    if not rows:
        return None
    row = max(rows, key=lambda found: (found["finished_at"], found["run_id"]))
    return StageRun(
        day=day,
        stage=stage,
        run_id=row["run_id"],
        config_sha256=row["config_sha256"],
        code_version=row["code_version"],
        inputs=json.loads(row["input_versions"]),
        outputs=json.loads(row["output_versions"]),
        rows=json.loads(row["rows"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


def publish_run(warehouse: Warehouse, run: StageRun) -> None:
    """Publish `run` in one commit."""
    record = {
        "date": run.day,
        "stage": run.stage,
        "run_id": run.run_id,
        "status": PUBLISHED,
        "config_sha256": run.config_sha256,
        "code_version": run.code_version,
        "input_versions": as_json(run.inputs),
        "output_versions": as_json(run.outputs),
        "rows": as_json(run.rows),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
    warehouse.append_records([record], "stage_runs")


def published_pools(warehouse: Warehouse, day: date) -> dict[str, dict[str, Any]]:
    """The published rows of `allocation_runs` of `day`, by category."""
    if not warehouse.exists("allocation_runs"):
        return {}
    rows = warehouse.read_arrow("allocation_runs", day=day).to_pylist()
    return {row["category"]: row for row in rows if row["status"] == PUBLISHED}


def publish_pools(warehouse: Warehouse, day: date, pools: Sequence[Mapping[str, Any]]) -> None:
    """Publish the pools of one allocation run in one commit; earlier runs of the same categories become superseded."""
    warehouse.ensure("allocation_runs")
    seen = warehouse.version("allocation_runs")
    categories = {pool["category"] for pool in pools}
    earlier = [
        row | {"status": SUPERSEDED} if row["category"] in categories and row["status"] == PUBLISHED else row
        for row in warehouse.read_arrow("allocation_runs", day=day, version=seen).to_pylist()
    ]
    # Every published row of a day names the same output versions: those of the day's tables as they stand now.
    outputs = pools[0]["output_versions"]
    kept = [row | {"output_versions": outputs} if row["status"] == PUBLISHED else row for row in earlier]
    published = [{**pool, "date": day, "status": PUBLISHED, "code_version": code_version()} for pool in pools]
    warehouse.replace_day_records([*kept, *published], "allocation_runs", day, seen=seen)


def as_json(content: Mapping[str, Any]) -> str:
    """Canonical JSON: the same content gives the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
