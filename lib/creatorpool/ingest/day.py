"""Ingesting one day: read, validate, refuse what cannot be used, and only then write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import RowRule
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import (
    OPTIONAL_TABLES,
    PARQUET,
    REQUIRED_TABLES,
    Delivery,
    TableFiles,
    find_files,
    require_files,
    unread_entries,
)
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.events import DeduplicatedEvents, Dimension, StoredDays, deduplicate_events
from creatorpool.ingest.kuairand import read_kuairand
from creatorpool.ingest.native import read_native
from creatorpool.ingest.parquet_files import refuse_damaged
from creatorpool.ingest.pseudonyms import VIEWER, Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import (
    refuse_broken_day,
    refuse_broken_feed,
    refuse_revenue,
    revenue_warnings,
    stale_row_warning,
)
from creatorpool.ingest.report import IngestReport, TableCounts
from creatorpool.ingest.rules import tier_rule
from creatorpool.ingest.staging import staging_folder
from creatorpool.ingest.units import unit_warnings
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.quoting import shortened_list
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
    hash_key: str | None


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
    reinstate: Mapping[str, int] | None = None,
    hash_key: str | None = None,
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
    reinstate : mapping, optional
        Where a later day is ingested already: the versions in which tables stood before this run. The day is rated on
        its own viewers and videos, in the versions that the report names; after those the tables return to the rows
        that stood.
    hash_key : str, optional
        Replaces every viewer's id by its hash under this key; see `pseudonyms`.

    Raises
    ------
    InputError
        A missing, unreadable or misshapen file; no event for the day; too many of its events in quarantine.
    ContractViolationError
        A broken rule in a table whose contract stops at one, such as `ad_revenue`.
    """
    if warehouse.session is None:
        raise RuntimeError("ingestion needs a warehouse with a session")
    if day.toordinal() <= settings.late_window_days:
        raise InputError(f"{day} has no {settings.late_window_days} days before it, ingest.late_window_days")
    with staging_folder(warehouse.engine_root(), run_id) as staging:
        run = DayIngestion(warehouse, warehouse.session, source, day, settings, tiers, ingested_at, staging, hash_key)
        with _naming_damaged_files(run):
            validated = _validate(run)
            if check is not None:
                check(validated.sides["ad_revenue"].good, "ad_revenue")
            _write(run, validated)
    if check is not None:
        for name in ("viewers", "videos"):
            check(warehouse.read(name), name)
        check(warehouse.read("events", day=day), "events")
    counts = {name: table.counts for name, table in validated.sides.items()} | {"events": validated.event_counts}
    written = warehouse.versions(*counts, *(f"{name}_quarantine" for name in counts))
    for name in validated.dimensions:
        _reinstate(warehouse, name, (reinstate or {}).get(name), written[name])
    return IngestReport(day, run_id, counts, written, validated.warnings)


@dataclass(frozen=True)
class ValidatedDay:
    """The whole delivery, validated and found fit to be written; `dimensions` as they will be then."""

    sides: Mapping[str, ValidatedTable]
    dimensions: Mapping[str, Dimension]
    deduplicated: DeduplicatedEvents
    event_counts: TableCounts
    warnings: tuple[str, ...]


def _validate(run: DayIngestion) -> ValidatedDay:
    deliveries = _deliveries(run)
    revenue = _validate_side(run, deliveries["ad_revenue"])
    refuse_revenue(revenue, run.day)
    others = [name for name in deliveries if name not in ("ad_revenue", "events")]
    sides = {"ad_revenue": revenue} | {name: _validate_side(run, deliveries[name]) for name in others}
    for name in ("viewers", "videos"):
        refuse_broken_feed(sides[name], run.settings)
    dimensions = {name: _merged(run, table) for name, table in sides.items() if not _has_days(table)}
    window = (run.day, run.settings.late_window_days)
    contract = run.warehouse.contract("events")
    deduplicated = deduplicate_events(deliveries["events"], contract, run.session, window, _stored_events(run))
    events = deduplicated.validate(run.day, dimensions["viewers"], dimensions["videos"])
    refuse_broken_day(events, run.day, run.settings, is_stored=_has_rows(run.warehouse, "events", run.day))
    warnings = revenue_warnings(revenue.good, dimensions["videos"].rows) + _stale(run, sides, dimensions)
    warnings += unit_warnings(deliveries["ad_revenue"], revenue.contract) + _unread(run)
    return ValidatedDay(sides, dimensions, deduplicated, events.counts, warnings)


def _write(run: DayIngestion, validated: ValidatedDay) -> None:
    for name, table in validated.sides.items():
        _write_side(run, table, validated.dimensions.get(name))
    # From here on the known viewers and videos are read as stored: the same rows, without merging them again.
    viewers, videos = (
        replace(validated.dimensions[name], rows=run.warehouse.read(name)) for name in ("viewers", "videos")
    )
    counts, contract = validated.event_counts, validated.deduplicated.contract
    events = ValidatedTable(contract, validated.deduplicated.flag(viewers, videos), counts)
    # Quarantine first: an event that is stored marks the day as begun, and all else of the day must be there then.
    _write_quarantine(run, events)
    if counts.accepted:
        # Where every row was found good there is nothing to leave out, and validating all of them again takes time.
        good = events.good if counts.quarantined else validated.deduplicated.rows.select(*contract.column_names)
        run.warehouse.append(good, "events")


def _deliveries(run: DayIngestion) -> dict[str, Delivery]:
    is_kuairand = run.settings.format == "kuairand"
    names = ("user_id" if is_kuairand else VIEWER,)
    pseudonyms = None if run.hash_key is None else Pseudonyms(run.hash_key, names)
    reading = Reading(run.session, run.staging, run.settings, pseudonyms)
    if is_kuairand:
        return read_kuairand(reading, run.source, run.day)
    return {
        files.table: read_native(reading, files, run.warehouse.contract(files.table)) for files in _files(run.source)
    }


def _files(source: Path) -> list[TableFiles]:
    found = [require_files(source, table) for table in REQUIRED_TABLES]
    return found + [files for table in OPTIONAL_TABLES if (files := find_files(source, table))]


@contextmanager
def _naming_damaged_files(run: DayIngestion) -> Iterator[None]:
    """Where an engine fails, look whether the delivery is at fault: its Parquet pages are read by the engine alone."""
    try:
        yield
    except (PySparkException, Py4JError):
        if run.settings.format == "native":
            for files in _files(run.source):
                if files.format == PARQUET:
                    refuse_damaged(files)
        raise


def _unread(run: DayIngestion) -> tuple[str, ...]:
    names = unread_entries(run.source) if run.settings.format == "native" else []
    return (f"{run.source} has {len(names)} entries that belong to no table: {shortened_list(names)}",) if names else ()


def _validate_side(run: DayIngestion, delivery: Delivery) -> ValidatedTable:
    contract = run.warehouse.contract(delivery.table)
    rules: list[RowRule] = [tier_rule(run.tiers)] if delivery.table == "viewers" else []
    return validated_table(delivery, contract, run.session, run.day, rules)


def _merged(run: DayIngestion, table: ValidatedTable) -> Dimension:
    name = table.contract.name
    if not run.warehouse.exists(name):
        return Dimension(table.good, table.counts.accepted)
    stored = run.warehouse.read(name)
    return Dimension(merged(stored, table.good, table.contract), stored.count() + table.counts.accepted)


def _stale(
    run: DayIngestion, sides: Mapping[str, ValidatedTable], dimensions: Mapping[str, Dimension]
) -> tuple[str, ...]:
    known = [name for name in dimensions if sides[name].counts.quarantined and run.warehouse.exists(name)]
    found = [stale_row_warning(sides[name], run.warehouse.read(name)) for name in known]
    return tuple(warning for warning in found if warning is not None)


def _stored_events(run: DayIngestion) -> StoredDays | None:
    first = run.day - timedelta(days=run.settings.late_window_days)
    days = [first + timedelta(days=i) for i in range(run.settings.late_window_days + 1)]
    present = tuple(day for day in days if _has_rows(run.warehouse, "events", day))
    if not present:
        return None
    return StoredDays(present, run.warehouse.read("events").where(F.col("date").isin(list(present))))


def _has_days(table: ValidatedTable) -> bool:
    return "date" in table.contract.partition_by


def _has_rows(warehouse: Warehouse, table: str, day: date) -> bool:
    return warehouse.exists(table) and warehouse.read_arrow(table, ["date"], day=day).num_rows > 0


def _write_side(run: DayIngestion, table: ValidatedTable, dimension: Dimension | None) -> None:
    name = table.contract.name
    if dimension is None:
        _replace_day(run, table.good, table.counts.accepted, name)
    elif not run.warehouse.exists(name) or not changed(run.warehouse.read(name), table.good, table.contract).isEmpty():
        run.warehouse.overwrite(dimension.rows, name)
    _write_quarantine(run, table)


def _reinstate(warehouse: Warehouse, name: str, before: int | None, written: int) -> None:
    """Let rows that stood before this run win again over those of its older day; new keys stay."""
    if before is None or before == written:
        return
    stood, added = warehouse.read(name, version=before), warehouse.read(name, version=written)
    warehouse.overwrite(merged(added, stood, warehouse.contract(name)), name)


def _write_quarantine(run: DayIngestion, table: ValidatedTable) -> None:
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
