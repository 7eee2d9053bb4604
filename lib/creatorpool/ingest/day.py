"""Ingesting one day: read, judge, refuse what cannot be used, and only then write."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import RowRule
from creatorpool.ingest.delivery import OPTIONAL_TABLES, REQUIRED_TABLES, Delivery, find_files, require_files
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.events import Dimension, StoredDays, settle_events
from creatorpool.ingest.judge import JudgedTable, judge_table
from creatorpool.ingest.kuairand import read_kuairand
from creatorpool.ingest.native import read_native
from creatorpool.ingest.refusals import refuse_broken_day, refuse_revenue, revenue_warnings
from creatorpool.ingest.report import IngestReport
from creatorpool.ingest.rules import tier_rule
from creatorpool.settings import IngestSettings
from creatorpool.tables import Warehouse

Check = Callable[[DataFrame, str], None]
"""Checks rows by the table rules of a table's contract, and raises where they break one."""


_FEW_ROWS = 20_000


@dataclass(frozen=True)
class DayIngestion:
    """What every step of one ingestion needs to know."""

    warehouse: Warehouse
    session: SparkSession
    source: Path
    day: date
    settings: IngestSettings
    tiers: Mapping[str, float]
    ingested_at: datetime
    staging: Path


def ingest_day(
    warehouse: Warehouse,
    source: Path,
    day: date,
    *,
    settings: IngestSettings,
    tiers: Mapping[str, float],
    run_id: str,
    ingested_at: datetime,
    check: Check | None = None,
) -> IngestReport:
    """Bring the delivery in `source` into the tables: events, dimensions, revenue, and their quarantines.

    Every reason to stop is looked for before the first write. A run that was interrupted and is run again ends in the
    same tables: events that are there already are not added again, all else is replaced or merged by key.

    Parameters
    ----------
    tiers : mapping
        Trust tiers that have a weight; a viewer of another tier is quarantined.
    ingested_at : datetime
        Moment of the run, with a time zone: stamped on quarantined rows.
    check : callable, optional
        Checks a frame by the table rules of the named table's contract: revenue before anything is written, viewers,
        videos and events as stored.

    Raises
    ------
    InputError
        A missing, unreadable or misshapen file; no event for the day; too many of its events in quarantine.
    ContractViolationError
        A broken rule in a table whose contract stops at one, such as `ad_revenue`.
    """
    session = warehouse.session
    if session is None:
        raise RuntimeError("ingestion needs a warehouse with a session")
    with _staging(warehouse, run_id) as staging:
        run = DayIngestion(warehouse, session, source, day, settings, tiers, ingested_at, staging)
        deliveries = _deliveries(run)
        tables = {name: _judge_side(run, deliveries[name]) for name in deliveries if name != "events"}
        refuse_revenue(tables["ad_revenue"], day)
        dimensions = {name: _merged(run, table) for name, table in tables.items() if not _has_days(table)}
        settled = settle_events(
            deliveries["events"],
            warehouse.contract("events"),
            session,
            (day, settings.late_window_days),
            _stored_events(run),
        )
        events = settled.judge(day, dimensions["viewers"], dimensions["videos"])
        refuse_broken_day(events, day, settings, is_stored=_has_rows(warehouse, "events", day))
        warnings = revenue_warnings(tables["ad_revenue"].good, dimensions["videos"].rows)
        if check is not None:
            check(tables["ad_revenue"].good, "ad_revenue")
        for name, table in tables.items():
            _write_side(run, table, dimensions.get(name))
        known = (_stored(run, "viewers", dimensions["viewers"]), _stored(run, "videos", dimensions["videos"]))
        _write_events(run, replace(events, flagged=settled.flag(*known)))
    counts = {name: table.counts for name, table in tables.items()} | {"events": events.counts}
    written = [*counts, *(f"{name}_quarantine" for name in counts)]
    if check is not None:
        for name in ("viewers", "videos", "events"):
            check(_to_check(run, name), name)
    return IngestReport(day, run_id, counts, warehouse.versions(*written), warnings)


def _deliveries(run: DayIngestion) -> dict[str, Delivery]:
    if run.settings.format == "kuairand":
        return read_kuairand(run.session, run.source, run.day)
    found = [require_files(run.source, table) for table in REQUIRED_TABLES]
    found += [files for table in OPTIONAL_TABLES if (files := find_files(run.source, table))]
    return {
        files.table: read_native(run.session, files, run.warehouse.contract(files.table), run.staging)
        for files in found
    }


def _judge_side(run: DayIngestion, delivery: Delivery) -> JudgedTable:
    contract = run.warehouse.contract(delivery.table)
    rules: list[RowRule] = [tier_rule(run.tiers)] if delivery.table == "viewers" else []
    return judge_table(delivery, contract, run.session, run.day, rules)


def _merged(run: DayIngestion, table: JudgedTable) -> Dimension:
    name = table.contract.name
    if not run.warehouse.exists(name):
        return Dimension(table.good, table.counts.accepted)
    stored = run.warehouse.read(name)
    return Dimension(merged(stored, table.good, table.contract), stored.count() + table.counts.accepted)


def _stored(run: DayIngestion, name: str, dimension: Dimension) -> Dimension:
    return replace(dimension, rows=run.warehouse.read(name))


def _stored_events(run: DayIngestion) -> StoredDays | None:
    first = run.day - timedelta(days=run.settings.late_window_days)
    days = [first + timedelta(days=i) for i in range(run.settings.late_window_days + 1)]
    present = tuple(day for day in days if _has_rows(run.warehouse, "events", day))
    if not present:
        return None
    return StoredDays(present, run.warehouse.read("events").where(F.col("date").isin(list(present))))


def _has_days(table: JudgedTable) -> bool:
    return "date" in table.contract.partition_by


def _has_rows(warehouse: Warehouse, table: str, day: date) -> bool:
    return warehouse.exists(table) and warehouse.read_arrow(table, ["date"], day=day).num_rows > 0


def _write_side(run: DayIngestion, table: JudgedTable, dimension: Dimension | None) -> None:
    name = table.contract.name
    if dimension is None:
        _replace_day(run, table.good, table.counts.accepted, name)
    elif not run.warehouse.exists(name) or not changed(run.warehouse.read(name), table.good, table.contract).isEmpty():
        run.warehouse.overwrite(dimension.rows, name)
    _write_quarantine(run, table)


def _write_events(run: DayIngestion, events: JudgedTable) -> None:
    # The quarantine first: an event that is stored marks the day as begun, and all of it must be there then.
    _write_quarantine(run, events)
    if events.counts.accepted:
        run.warehouse.append(events.good, "events")


def _write_quarantine(run: DayIngestion, table: JudgedTable) -> None:
    name = f"{table.contract.name}_quarantine"
    if table.counts.quarantined or _has_rows(run.warehouse, name, run.day):
        refused = table.quarantine(run.day, run.ingested_at)
        _replace_day(run, refused, table.counts.quarantined, name)
    else:
        run.warehouse.ensure(name)


def _replace_day(run: DayIngestion, rows: DataFrame, number: int, table: str) -> None:
    """Replace the day's rows of `table`; an engine's commit costs seconds, so a few rows are written without it."""
    if number > _FEW_ROWS:
        run.warehouse.replace_day(rows, table, run.day)
        return
    run.warehouse.ensure(table)
    seen = run.warehouse.version(table)
    records = rows.toArrow().to_pylist() if number else []
    run.warehouse.replace_day_records(records, table, run.day, seen=seen)


def _to_check(run: DayIngestion, name: str) -> DataFrame:
    return run.warehouse.read(name, day=run.day if name == "events" else None)


@contextmanager
def _staging(warehouse: Warehouse, run_id: str) -> Iterator[Path]:
    """A folder for copies of awkward files, beside the tables so that every executor sees it; gone afterwards."""
    if isinstance(warehouse.root, Path):
        folder = warehouse.root / "_staging" / run_id
    else:
        folder = Path(mkdtemp(prefix="creatorpool-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
