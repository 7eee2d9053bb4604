"""Ingests one day: reads and validates the whole delivery, stops if it cannot be used, and only then writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from creatorpool.errors import ConfigurationError, InputError
from creatorpool.ingest.conversion import RATES, converted_revenue, refuse_other_base
from creatorpool.ingest.delivery import PARQUET, Delivery, delivered_files, unread_entries
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.events import (
    DeduplicatedEvents,
    Dimension,
    EventDays,
    StoredDays,
    deduplicate_events,
    near_days,
)
from creatorpool.ingest.log_files import LogFile, log_files
from creatorpool.ingest.merge_rules import refuse_inconsistent, refuse_lost_holds, refuse_reopened
from creatorpool.ingest.native import read_native
from creatorpool.ingest.parquet_files import refuse_damaged
from creatorpool.ingest.pseudonyms import VIEWER, Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import (
    no_currency_warning,
    refuse_broken_day,
    refuse_broken_feed,
    refuse_broken_files,
    refuse_revenue,
    revenue_warnings,
    stale_row_warning,
)
from creatorpool.ingest.replacement import EarlierDelivery, put_back
from creatorpool.ingest.report import IngestReport
from creatorpool.ingest.rule_results import refused_example, rule_results
from creatorpool.ingest.rules import table_rules
from creatorpool.ingest.shifted_day import has_other_days, shifted_day, shifted_files
from creatorpool.ingest.sources.mapping import NATIVE, TABLES, LoadedMapping, load_mapping
from creatorpool.ingest.sources.tables import read_mapped
from creatorpool.ingest.staging import staging_folder
from creatorpool.ingest.steps import log_step
from creatorpool.ingest.units import unit_warnings
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.ingest.writing import has_rows, replace_day, write_quarantine
from creatorpool.quoting import shortened_list
from creatorpool.settings import IngestSettings
from creatorpool.settlement.holds import PostedHolds
from creatorpool.settlement.rates import Conversion
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

_HOLDS, _NO_HOLDS = "holds", PostedHolds()

Check = Callable[[DataFrame, str], object]
"""Checks rows against the table rules of the named table's contract, and raises an error if they break one."""


@dataclass(frozen=True)
class DayIngestion:
    """The parameters of one ingestion; see `ingest_day`."""

    warehouse: Warehouse
    session: SparkSession
    source: Place
    day: date
    settings: IngestSettings
    tiers: Mapping[str, float]
    ingested_at: datetime
    staging: Place
    hash_key: str | None
    earlier: EarlierDelivery | None
    reinstate: Mapping[str, int]
    told_elsewhere: Collection[str]
    currency: str | None
    posted_holds: PostedHolds


def ingest_day(
    warehouse: Warehouse,
    source: Place,
    day: date,
    *,
    settings: IngestSettings,
    tiers: Mapping[str, float],
    run_id: str,
    ingested_at: datetime,
    check: Check | None = None,
    reinstate: Mapping[str, int] | None = None,
    earlier: EarlierDelivery | None = None,
    hash_key: str | None = None,
    told_elsewhere: Collection[str] = (),
    currency: str | None = None,
    posted_holds: PostedHolds = _NO_HOLDS,
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
    earlier : EarlierDelivery, optional
        The delivery that this one replaces: its rows are removed from all tables, and rows of later days stay.
    hash_key : str, optional
        Key for the hashes that replace viewers' ids; see `pseudonyms`. None keeps the ids.
    told_elsewhere : collection of str
        Inputs of the mapping whose records without a day are in the quarantine of another day.
    currency : str, optional
        The settlement currency, into which revenue in other currencies is converted. None: the day has one currency.
    posted_holds : PostedHolds
        Holds that are in the journal: none may be taken back with the delivery that this one replaces, and none whose
        money is released may get a later end.

    Raises
    ------
    InputError
        If a file is missing, unreadable or has other columns; if the day has no event; if too many rows would be
        quarantined; if a currency of the day's revenue has no rate.
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
        run = DayIngestion(
            warehouse=warehouse,
            session=warehouse.session,
            source=source,
            day=day,
            settings=settings,
            tiers=tiers,
            ingested_at=ingested_at,
            staging=staging,
            hash_key=hash_key,
            earlier=earlier,
            reinstate=reinstate or {},
            told_elsewhere=told_elsewhere,
            currency=currency,
            posted_holds=posted_holds,
        )
        with _naming_damaged_files(run):
            validated = _validate(run)
            if check is not None:
                check(validated.other_tables["ad_revenue"].good, "ad_revenue")
            base = _write(run, validated)
    if check is not None:
        for name in ("viewers", "videos"):
            check(warehouse.read(name), name)
        check(warehouse.read("events", day=day), "events")
    tables = {**validated.other_tables, "events": validated.events}
    written = warehouse.versions(*tables, *(f"{name}_quarantine" for name in tables))
    results = [
        result
        for table in tables.values()
        if table.contract.on_row_fault == "quarantine"
        for result in rule_results(warehouse, table, day, run_id)
    ]
    counts = {name: table.counts for name, table in tables.items()}
    examples = {name: refused_example(warehouse, name, day) for name, own in counts.items() if own.quarantined}
    latest = _put_back_newer_rows(run, validated.dimensions, written)
    withdrawn, rest = ({}, {}) if earlier is None else earlier.withdraw(list(tables))
    return IngestReport(
        day=day,
        run_id=run_id,
        tables=counts,
        outputs=withdrawn | written,
        base=base,
        latest=latest | rest,
        warnings=validated.warnings,
        results=tuple(results),
        examples=examples,
        conversions=validated.conversions,
    )


@dataclass(frozen=True)
class ValidatedDay:
    """The whole delivery after validation: all tables but events, the merged dimensions, and the events."""

    other_tables: Mapping[str, ValidatedTable]
    dimensions: Mapping[str, Dimension]
    deduplicated: DeduplicatedEvents
    events: ValidatedTable
    warnings: tuple[str, ...]
    conversions: Mapping[str, Conversion]


def _validate(run: DayIngestion) -> ValidatedDay:
    deliveries = _deliveries(run)
    revenue = _validate_table(run, deliveries["ad_revenue"])
    currency = refuse_revenue(revenue, run.day, run.currency)
    others = [name for name in deliveries if name not in ("ad_revenue", "events")]
    other_tables = {"ad_revenue": revenue} | {name: _validate_table(run, deliveries[name]) for name in others}
    for name in ("viewers", "videos"):
        refuse_broken_feed(other_tables[name], run.settings)
    dimensions = {name: _merged(run, table) for name, table in other_tables.items() if not _has_days(table)}
    _refuse_lost_holds(run, dimensions.get(_HOLDS))
    revenue, conversions = _convert(run, other_tables)
    other_tables["ad_revenue"] = revenue
    days = EventDays(run.day, run.settings.late_window_days, run.settings.day_timezone)
    contract = run.warehouse.contract("events")
    deduplicated = deduplicate_events(deliveries["events"], contract, run.session, days, _stored_events(run))
    events = deduplicated.validate(run.day, dimensions["viewers"], dimensions["videos"], run.staging)
    files = _log_files(deliveries["events"], events, days)
    refuse_broken_files(files, run.settings)
    shifted = shifted_day(events, days, files)
    is_stored = run.earlier is None and has_rows(run.warehouse, "events", run.day)
    refuse_broken_day(events, run.day, run.settings, shifted, is_stored=is_stored)
    warnings = revenue_warnings(revenue.good, dimensions["videos"].rows) + _stale_row_warnings(
        run, other_tables, dimensions
    )
    warnings += no_currency_warning(run.day, currency)
    warnings += unit_warnings(deliveries["ad_revenue"], revenue.contract) + _unread_warnings(run)
    if shifted is not None:
        warnings += (f"events: {shifted.hint()}",)
    elif files and (hint := shifted_files(files, days)):
        warnings += (f"events: {hint}",)
    return ValidatedDay(other_tables, dimensions, deduplicated, events, warnings, conversions)


def _log_files(delivery: Delivery, events: ValidatedTable, days: EventDays) -> list[LogFile]:
    """The files of a log with several days, if what they hold may be a reason to stop or to warn."""
    counts = events.counts
    return log_files(delivery.times, days) if has_other_days(counts) or counts.dateless or counts.elsewhere else []


def _write(run: DayIngestion, validated: ValidatedDay) -> dict[str, int]:
    """Write all tables; return the versions without this delivery if it replaces another one, else nothing."""
    log_step("all tables", "writes accepted and quarantined rows")
    base = {} if run.earlier is None else {**run.earlier.base, "events": run.earlier.remove_events()}
    for name, table in validated.other_tables.items():
        _write_table(run, table, validated.dimensions.get(name))
    counts = validated.events.counts
    events = validated.events.with_rows(_events_to_write(run, validated))
    # Write events last: stored events mark the day as begun, so all its other rows must be stored before.
    write_quarantine(run.warehouse, events, run.day, run.ingested_at)
    if counts.accepted:
        run.warehouse.append(events.good, "events", counts.accepted)
    return base


def _events_to_write(run: DayIngestion, validated: ValidatedDay) -> DataFrame:
    """The events, joined with viewers and videos only if the rules must judge them again."""
    deduplicated, events = validated.deduplicated, validated.events
    if not events.counts.quarantined or events.judged.is_told_by_key(events.contract):
        return deduplicated.rows
    # Read the merged viewers and videos as stored: they are the same rows, without a second merge.
    viewers, videos = (
        replace(validated.dimensions[name], rows=run.warehouse.read(name)) for name in ("viewers", "videos")
    )
    return deduplicated.joined(viewers, videos)


def _deliveries(run: DayIngestion) -> dict[str, Delivery]:
    mapped = {} if run.settings.format == NATIVE else _mapped_deliveries(run, load_mapping(run.settings.format))
    reading = _reading(run, (VIEWER,))
    native = delivered_files(run.source, mapped)
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
    reading = _reading(run, tuple(names))
    return read_mapped(reading, loaded, run.source, run.day, run.warehouse.contract, run.told_elsewhere)


def _reading(run: DayIngestion, viewer_columns: tuple[str, ...]) -> Reading:
    pseudonyms = None if run.hash_key is None else Pseudonyms(run.hash_key, viewer_columns)
    return Reading(run.session, run.staging, run.settings, pseudonyms)


@contextmanager
def _naming_damaged_files(run: DayIngestion) -> Iterator[None]:
    """If the engine fails, look for a damaged Parquet file: only the engine reads the pages of such files."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if run.settings.format != NATIVE:
            raise InputError(
                f"the engine fails on a record: {str(error).strip().splitlines()[0]}. If an expression of mapping "
                f"'{run.settings.format}' does that, use try_cast, try_divide and the like in it"
            ) from error
        for files in delivered_files(run.source):
            if files.format == PARQUET:
                refuse_damaged(files)
        raise


def _unread_warnings(run: DayIngestion) -> tuple[str, ...]:
    names = unread_entries(run.source) if run.settings.format == NATIVE else []
    return (f"{run.source} has {len(names)} entries that belong to no table: {shortened_list(names)}",) if names else ()


def _validate_table(run: DayIngestion, delivery: Delivery) -> ValidatedTable:
    contract = run.warehouse.contract(delivery.table)
    rules = table_rules(delivery.table, run.tiers)
    return validated_table(delivery, contract, run.session, run.day, run.staging, rules)


def _convert(
    run: DayIngestion, tables: Mapping[str, ValidatedTable]
) -> tuple[ValidatedTable, Mapping[str, Conversion]]:
    """The revenue among `tables` in the settlement currency, and what was converted."""
    delivered = tables.get(RATES)
    if delivered is not None and run.currency is not None:
        refuse_other_base(delivered.good, run.currency)
    return converted_revenue(tables["ad_revenue"], run.day, run.currency, lambda: _known_rates(run, delivered))


def _known_rates(run: DayIngestion, delivered: ValidatedTable | None) -> DataFrame | None:
    """Rows of `fx_rates` as they will stand once the delivery is in the table; None if there are none."""
    rows = _stored_dimension(run, RATES)
    if delivered is not None:
        rows = merged(rows, delivered.good, delivered.contract)
    newer = _newer_rows(run, RATES, run.reinstate.get(RATES), None)
    return rows if newer is None else merged(rows, newer, run.warehouse.contract(RATES))


def _merged(run: DayIngestion, table: ValidatedTable) -> Dimension:
    stored = _stored_dimension(run, table.contract.name)
    rows = merged(stored, table.good, table.contract)
    refuse_inconsistent(table.contract.name, stored, table.good, rows)
    # Of an earlier day, the rows of later deliveries stand; what replaces a delivery is looked at as a whole.
    if table.contract.name == _HOLDS and not run.reinstate and run.earlier is None:
        refuse_reopened(stored, table.good, run.posted_holds.released)
    return Dimension(rows, table.counts.accepted + (0 if stored is None else stored.count()))


def _refuse_lost_holds(run: DayIngestion, delivered: Dimension | None) -> None:
    """Check that the holds that are in the journal stay, once this delivery replaces the earlier one."""
    earlier = run.earlier
    if earlier is None or _HOLDS not in earlier.now or not run.posted_holds.known:
        return
    rows = earlier.with_later(_HOLDS, earlier.dimension(_HOLDS) if delivered is None else delivered.rows)
    refuse_lost_holds(run.warehouse.read(_HOLDS, version=earlier.now[_HOLDS]), rows, run.posted_holds)


def _stored_dimension(run: DayIngestion, name: str) -> DataFrame | None:
    if run.earlier is not None:
        return run.earlier.dimension(name)
    return run.warehouse.read(name) if run.warehouse.exists(name) else None


def _stale_row_warnings(
    run: DayIngestion, other_tables: Mapping[str, ValidatedTable], dimensions: Mapping[str, Dimension]
) -> tuple[str, ...]:
    refused = [name for name in dimensions if other_tables[name].counts.quarantined]
    found = [
        stale_row_warning(other_tables[name], stored)
        for name in refused
        if (stored := _stored_dimension(run, name)) is not None
    ]
    return tuple(warning for warning in found if warning is not None)


def _stored_events(run: DayIngestion) -> StoredDays | None:
    """Events of the days that an id of the delivery may also be on, before and after the run's day."""
    present = near_days(run.warehouse, run.day, run.settings.late_window_days)
    if not present:
        return None
    if run.earlier is not None:
        return StoredDays(present, run.earlier.other_events(present))
    return StoredDays(present, run.warehouse.read("events", days=present))


def _has_days(table: ValidatedTable) -> bool:
    return "date" in table.contract.partition_by


def _write_table(run: DayIngestion, table: ValidatedTable, dimension: Dimension | None) -> None:
    name = table.contract.name
    if dimension is None:
        replace_day(run.warehouse, table.good, table.counts.accepted, name, run.day)
    elif run.earlier is not None or _is_changed(run, table):
        run.warehouse.overwrite(dimension.rows, name)
    write_quarantine(run.warehouse, table, run.day, run.ingested_at)


def _is_changed(run: DayIngestion, table: ValidatedTable) -> bool:
    stored = _stored_dimension(run, table.contract.name)
    return stored is None or not changed(stored, table.good, table.contract).isEmpty()


def _put_back_newer_rows(run: DayIngestion, dimensions: Iterable[str], written: Mapping[str, int]) -> dict[str, int]:
    """Write rows of later days over those of this day; return the versions of the dimensions then.

    An older day keeps only its rows of new keys. A corrected delivery keeps all that later days did not change.
    """
    versions: dict[str, int] = {}
    for name in dimensions:
        newer = _newer_rows(run, name, run.reinstate.get(name), written[name])
        versions[name] = written[name] if newer is None else put_back(run.warehouse, name, written[name], newer)
    return versions


def _newer_rows(run: DayIngestion, name: str, before: int | None, written: int | None) -> DataFrame | None:
    if run.earlier is not None:
        later = run.earlier.later(name) if name in run.earlier.now else None
        return None if later is None or later.isEmpty() else later
    return None if before in (None, written) else run.warehouse.read(name, version=before)
