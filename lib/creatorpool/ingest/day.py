"""Ingests one day: reads and validates the whole delivery, stops if it cannot be used, and only then writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import RowRule
from creatorpool.errors import ConfigurationError, InputError
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
from creatorpool.ingest.sources.mapping import NATIVE, TABLES, LoadedMapping, load_mapping
from creatorpool.ingest.sources.tables import read_mapped
from creatorpool.ingest.staging import staging_folder
from creatorpool.ingest.steps import log_step
from creatorpool.ingest.units import unit_warnings
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.quoting import shortened_list
from creatorpool.settings import IngestSettings
from creatorpool.tables import Warehouse

Check = Callable[[DataFrame, str], None]
"""Checks rows against the table rules of the named table's contract, and raises an error if they break one."""

_FEW_ROWS = 20_000


@dataclass(frozen=True)
class DayIngestion:
    """The parameters of one ingestion; see `ingest_day`."""

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
    """Ingest the delivery in `source`: events, dimensions and revenue, and the quarantine of each.

    All checks that can stop the run come before the first write. If an interrupted ingestion runs again, it ends in the
    same tables: stored events are not added again, and all other rows are replaced by day or merged by key.

    Parameters
    ----------
    tiers : mapping
        Trust tiers that have a weight; a viewer of another tier is quarantined.
    ingested_at : datetime
        Time of the run, with a time zone; quarantined rows get it.
    check : callable, optional
        Checks revenue before anything is written, and viewers, videos and events after they are stored.
    reinstate : mapping, optional
        Versions of the tables before this run, if a later day is ingested already. The day's scores use the day's own
        viewers and videos, at the versions in the report. After these versions, rows that a later day delivered are
        written back.
    hash_key : str, optional
        Key for the hashes that replace viewers' ids; see `pseudonyms`. None keeps the ids.

    Raises
    ------
    InputError
        If a file is missing, unreadable or has other columns; if the day has no event; if too many rows would be
        quarantined.
    ContractViolationError
        If a row breaks a rule of a contract that stops the run, such as that of `ad_revenue`.
    """
    if warehouse.session is None:
        raise RuntimeError("ingestion needs a warehouse with a session")
    if day.toordinal() <= settings.late_window_days:
        raise InputError(
            f"{day} is too early: ingest.late_window_days needs {settings.late_window_days} days before it"
        )
    with staging_folder(warehouse.engine_root(), run_id) as staging:
        run = DayIngestion(warehouse, warehouse.session, source, day, settings, tiers, ingested_at, staging, hash_key)
        with _naming_damaged_files(run):
            validated = _validate(run)
            if check is not None:
                check(validated.other_tables["ad_revenue"].good, "ad_revenue")
            _write(run, validated)
    if check is not None:
        for name in ("viewers", "videos"):
            check(warehouse.read(name), name)
        check(warehouse.read("events", day=day), "events")
    counts = {name: table.counts for name, table in validated.other_tables.items()} | {"events": validated.event_counts}
    written = warehouse.versions(*counts, *(f"{name}_quarantine" for name in counts))
    for name in validated.dimensions:
        _reinstate(warehouse, name, (reinstate or {}).get(name), written[name])
    return IngestReport(day, run_id, counts, written, validated.warnings)


@dataclass(frozen=True)
class ValidatedDay:
    """The whole delivery after validation: all tables but events, the merged dimensions, and the events."""

    other_tables: Mapping[str, ValidatedTable]
    dimensions: Mapping[str, Dimension]
    deduplicated: DeduplicatedEvents
    event_counts: TableCounts
    warnings: tuple[str, ...]


def _validate(run: DayIngestion) -> ValidatedDay:
    deliveries = _deliveries(run)
    revenue = _validate_table(run, deliveries["ad_revenue"])
    refuse_revenue(revenue, run.day)
    others = [name for name in deliveries if name not in ("ad_revenue", "events")]
    other_tables = {"ad_revenue": revenue} | {name: _validate_table(run, deliveries[name]) for name in others}
    for name in ("viewers", "videos"):
        refuse_broken_feed(other_tables[name], run.settings)
    dimensions = {name: _merged(run, table) for name, table in other_tables.items() if not _has_days(table)}
    window = (run.day, run.settings.late_window_days)
    contract = run.warehouse.contract("events")
    deduplicated = deduplicate_events(deliveries["events"], contract, run.session, window, _stored_events(run))
    events = deduplicated.validate(run.day, dimensions["viewers"], dimensions["videos"])
    refuse_broken_day(events, run.day, run.settings, is_stored=_has_rows(run.warehouse, "events", run.day))
    warnings = revenue_warnings(revenue.good, dimensions["videos"].rows) + _stale_row_warnings(
        run, other_tables, dimensions
    )
    warnings += unit_warnings(deliveries["ad_revenue"], revenue.contract) + _unread_warnings(run)
    return ValidatedDay(other_tables, dimensions, deduplicated, events.counts, warnings)


def _write(run: DayIngestion, validated: ValidatedDay) -> None:
    log_step("all tables", "writes accepted and quarantined rows")
    for name, table in validated.other_tables.items():
        _write_table(run, table, validated.dimensions.get(name))
    # Read the merged viewers and videos as stored: they are the same rows, without a second merge.
    viewers, videos = (
        replace(validated.dimensions[name], rows=run.warehouse.read(name)) for name in ("viewers", "videos")
    )
    counts, contract = validated.event_counts, validated.deduplicated.contract
    events = ValidatedTable(contract, validated.deduplicated.flag(viewers, videos), counts)
    # Write events last: stored events mark the day as begun, so all its other rows must be stored before.
    _write_quarantine(run, events)
    if counts.accepted:
        # If all rows are good, skip the filter: it would validate all rows again.
        good = events.good if counts.quarantined else validated.deduplicated.rows.select(*contract.column_names)
        run.warehouse.append(good, "events")


def _deliveries(run: DayIngestion) -> dict[str, Delivery]:
    mapped = {} if run.settings.format == NATIVE else _mapped_deliveries(run, load_mapping(run.settings.format))
    reading = _reading(run, (VIEWER,))
    native = [files for files in _files(run.source, mapped) if files.table not in mapped]
    found = mapped | {files.table: read_native(reading, files, run.warehouse.contract(files.table)) for files in native}
    # In one order, whichever tables are mapped: revenue can stop the run, so it comes first.
    return {table: found[table] for table in TABLES if table in found}


def _mapped_deliveries(run: DayIngestion, loaded: LoadedMapping) -> dict[str, Delivery]:
    names = loaded.mapping.viewer_columns
    if run.hash_key is not None and not names:
        raise ConfigurationError(
            f"{loaded.source.path}: ingest.hash_viewer_ids is on, so the mapping must name the columns that hold "
            f"viewers' ids under viewer_columns"
        )
    return read_mapped(_reading(run, tuple(names)), loaded, run.source, run.day, run.warehouse.contract)


def _reading(run: DayIngestion, viewer_columns: tuple[str, ...]) -> Reading:
    pseudonyms = None if run.hash_key is None else Pseudonyms(run.hash_key, viewer_columns)
    return Reading(run.session, run.staging, run.settings, pseudonyms)


def _files(source: Path, mapped: Collection[str] = ()) -> list[TableFiles]:
    found = [require_files(source, table) for table in REQUIRED_TABLES if table not in mapped]
    return found + [files for table in OPTIONAL_TABLES if (files := find_files(source, table))]


@contextmanager
def _naming_damaged_files(run: DayIngestion) -> Iterator[None]:
    """If the engine fails, look for a damaged Parquet file: only the engine reads the pages of such files."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if run.settings.format != NATIVE:
            raise InputError(
                f"an expression of mapping '{run.settings.format}' fails on a record: "
                f"{str(error).strip().splitlines()[0]}; use try_cast, try_divide and the like in it"
            ) from error
        for files in _files(run.source):
            if files.format == PARQUET:
                refuse_damaged(files)
        raise


def _unread_warnings(run: DayIngestion) -> tuple[str, ...]:
    names = unread_entries(run.source) if run.settings.format == NATIVE else []
    return (f"{run.source} has {len(names)} entries that belong to no table: {shortened_list(names)}",) if names else ()


def _validate_table(run: DayIngestion, delivery: Delivery) -> ValidatedTable:
    contract = run.warehouse.contract(delivery.table)
    rules: list[RowRule] = [tier_rule(run.tiers)] if delivery.table == "viewers" else []
    return validated_table(delivery, contract, run.session, run.day, rules)


def _merged(run: DayIngestion, table: ValidatedTable) -> Dimension:
    name = table.contract.name
    if not run.warehouse.exists(name):
        return Dimension(table.good, table.counts.accepted)
    stored = run.warehouse.read(name)
    return Dimension(merged(stored, table.good, table.contract), stored.count() + table.counts.accepted)


def _stale_row_warnings(
    run: DayIngestion, other_tables: Mapping[str, ValidatedTable], dimensions: Mapping[str, Dimension]
) -> tuple[str, ...]:
    known = [name for name in dimensions if other_tables[name].counts.quarantined and run.warehouse.exists(name)]
    found = [stale_row_warning(other_tables[name], run.warehouse.read(name)) for name in known]
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


def _write_table(run: DayIngestion, table: ValidatedTable, dimension: Dimension | None) -> None:
    name = table.contract.name
    if dimension is None:
        _replace_day(run, table.good, table.counts.accepted, name)
    elif not run.warehouse.exists(name) or not changed(run.warehouse.read(name), table.good, table.contract).isEmpty():
        run.warehouse.overwrite(dimension.rows, name)
    _write_quarantine(run, table)


def _reinstate(warehouse: Warehouse, name: str, before: int | None, written: int) -> None:
    """Write back the rows that table `name` had before this run, which ingests an older day; keep rows of new keys."""
    if before is None or before == written:
        return
    earlier, added = warehouse.read(name, version=before), warehouse.read(name, version=written)
    warehouse.overwrite(merged(added, earlier, warehouse.contract(name)), name)


def _write_quarantine(run: DayIngestion, table: ValidatedTable) -> None:
    name = f"{table.contract.name}_quarantine"
    if table.counts.quarantined or _has_rows(run.warehouse, name, run.day):
        refused = table.quarantine(run.day, run.ingested_at)
        _replace_day(run, refused, table.counts.quarantined, name)
    else:
        run.warehouse.ensure(name)


def _replace_day(run: DayIngestion, rows: DataFrame, number: int, table: str) -> None:
    """Replace the day's rows of `table`. A few rows are written without the engine, whose write costs seconds."""
    if number > _FEW_ROWS:
        run.warehouse.replace_day(rows, table, run.day)
        return
    run.warehouse.ensure(table)
    seen = run.warehouse.version(table)
    records = rows.toArrow().to_pylist() if number else []
    run.warehouse.replace_day_records(records, table, run.day, seen=seen)
