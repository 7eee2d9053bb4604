"""Validates one table that is loaded between nights: rights, holds and the like, and what corrects a published day.

Corrected viewers and videos of a day are merged into the rows that the day is computed from, which are not the latest
ones: later days may have delivered other rows since, and these stay the latest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import InputError
from creatorpool.ingest.conversion import RATES, converted_revenue, refuse_other_base
from creatorpool.ingest.delivery import SETTLEMENT_TABLES, find_files, given_files
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.events import Dimension, EventDays, StoredDays, deduplicate_events, near_days
from creatorpool.ingest.merge_rules import refuse_inconsistent, refuse_reopened
from creatorpool.ingest.native import read_native
from creatorpool.ingest.pseudonyms import VIEWER, Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import refuse_broken_feed, refuse_revenue
from creatorpool.ingest.replacement import rows_since
from creatorpool.ingest.rules import table_rules
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.quoting import quoted
from creatorpool.settings import LONGEST_LATE_WINDOW, IngestSettings
from creatorpool.settlement.rates import Conversion
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

CORRECTED_TABLES = ("viewers", "videos")
"""Tables with one row a key, whatever the day, of which corrected rows of a published day may be loaded"""
DATED_TABLES = ("events", "ad_revenue", *CORRECTED_TABLES)
"""Tables of a published day that may be loaded later: late events, revenue that replaces the day's, corrected rows"""
LOADED_TABLES = (*SETTLEMENT_TABLES, *DATED_TABLES)


@dataclass(frozen=True)
class LoadSource:
    """What is loaded: the table, its files, the day that they belong to, and how files are read.

    Viewers must be of one of `tiers`. Corrected rows are merged into version `base` of the table. `currency` is the
    settlement currency; None: revenue is in the day's currency. Holds `released_holds` must not get a later end.
    """

    table: str
    source: Place
    day: date
    settings: IngestSettings
    hash_key: str | None
    tiers: Collection[str] = ()
    base: int | None = None
    currency: str | None = None
    released_holds: Collection[str] = ()


@dataclass(frozen=True)
class LoadedTable:
    """A validated table, and the rows by which it changes what is stored; None if nothing changes.

    `rows` replace the whole table, or the day's revenue; rows of `events` are added. `newer` are rows that later days
    have delivered since, to be merged over `rows`; None if there are none. `conversions` are those of revenue.
    """

    validated: ValidatedTable
    rows: DataFrame | None
    newer: DataFrame | None = None
    conversions: Mapping[str, Conversion] = field(default_factory=dict)


def load_rows(warehouse: Warehouse, load: LoadSource, staging: Place) -> LoadedTable:
    """Read and validate the files of `load`; `staging` is a folder for copies, which must outlive the rows.

    Raises
    ------
    InputError
        If files are missing, unreadable or have other columns; if no row can be accepted; if too many events, viewers
        or videos are refused; if rights or appeals contradict each other; if a video gets another creator; if rates are
        not those of the settlement currency, or one is missing for a currency of the revenue; if the revenue is in
        another currency than the day's.
    ContractViolationError
        If revenue breaks a rule of its contract.
    """
    session = warehouse.session
    if session is None:
        raise RuntimeError("loading a table needs a warehouse with a session")
    pseudonyms = None if load.hash_key is None else Pseudonyms(load.hash_key, (VIEWER,))
    contract = warehouse.contract(load.table)
    files = given_files(load.source, load.table)
    delivery = read_native(Reading(session, staging, load.settings, pseudonyms), files, contract)
    if load.table == "events":
        days = EventDays(load.day, 0, load.settings.day_timezone)
        known = {name: warehouse.read(name) for name in ("viewers", "videos")}
        dimensions = {name: Dimension(rows, rows.count()) for name, rows in known.items()}
        events = deduplicate_events(delivery, contract, session, days, _stored_events(warehouse, load.day))
        validated = events.validate(load.day, dimensions["viewers"], dimensions["videos"], staging)
        refuse_broken_feed(validated, load.settings)
        return LoadedTable(validated, validated.good if validated.counts.accepted else None)
    validated = validated_table(delivery, contract, session, load.day, staging, table_rules(load.table, load.tiers))
    if load.table == "ad_revenue":
        return _load_revenue(warehouse, load, validated)
    if load.table in CORRECTED_TABLES:
        refuse_broken_feed(validated, load.settings)
        return _corrected_rows(warehouse, load, validated)
    if validated.counts.quarantined and not validated.counts.accepted:
        raise InputError(f"{load.table}: no row of {files.place} can be accepted; for example {validated.example()}")
    if load.table == RATES and load.currency is not None:
        refuse_other_base(validated.good, load.currency)
    return LoadedTable(validated, _merged(warehouse, load, validated))


def refused_rows(
    warehouse: Warehouse, validated: ValidatedTable, day: date, refused_at: datetime, version: int | None
) -> DataFrame | None:
    """The day's rows of the quarantine with those that `validated` refuses added; None if all are there already.

    `version` is that of the quarantine in which the day's earlier rows are, or None if there are none.
    """
    if not validated.counts.quarantined:
        return None
    own = validated.quarantine(day, refused_at)
    if version is None:
        return own
    stored = warehouse.read(f"{validated.contract.name}_quarantine", day=day, version=version)
    fresh = own.join(stored.select("raw_row").distinct(), "raw_row", "left_anti").select(*stored.columns)
    return None if fresh.isEmpty() else stored.unionByName(fresh)


def _merged(warehouse: Warehouse, load: LoadSource, validated: ValidatedTable) -> DataFrame | None:
    contract = validated.contract
    stored = warehouse.read(contract.name) if warehouse.exists(contract.name) else None
    rows = merged(stored, validated.good, contract)
    refuse_inconsistent(contract.name, stored, validated.good, rows)
    if contract.name == "holds":
        refuse_reopened(stored, validated.good, load.released_holds)
    if stored is not None and changed(stored, validated.good, contract).isEmpty():
        return None
    return rows


def _load_revenue(warehouse: Warehouse, load: LoadSource, validated: ValidatedTable) -> LoadedTable:
    refuse_revenue(validated, load.day, load.currency)
    known = warehouse.read(RATES) if warehouse.exists(RATES) else None
    own, conversions = converted_revenue(validated, load.day, load.currency, lambda: known)
    stored = with_new_columns(warehouse.read("ad_revenue", day=load.day), own.contract)
    _refuse_other_currency(stored, own, load)
    return LoadedTable(own, _corrected_revenue(stored, own), conversions=conversions)


def _refuse_other_currency(stored: DataFrame, validated: ValidatedTable, load: LoadSource) -> None:
    """Raise InputError if the day's stored revenue is in another currency: the day was paid in that one."""
    before, now = (
        sorted(row["currency"] for row in rows.select("currency").distinct().collect())
        for rows in (stored, validated.good)
    )
    if before and before != now:
        raise InputError(
            f"ad_revenue of {load.day} is in {' and '.join(before)}, in which the day was paid, and would be in "
            f"{' and '.join(now)}: deliver it in {before[0]}, or set settlement.currency to {before[0]} and load the "
            f"rate of each other currency (`creatorpool load fx_rates --source FILE`)"
        )


def corrected_tables(place: Place) -> list[str]:
    """The tables of `CORRECTED_TABLES` that `place` has: a file or folder with a table's name, or a folder of these.

    Raises
    ------
    InputError
        If it has none, or does not exist; the message has the names that were looked for.
    """
    named = place.name.partition(".")[0]
    found = [table for table in CORRECTED_TABLES if place.is_dir() and find_files(place, table)]
    if not found and named in CORRECTED_TABLES and place.exists():
        return [named]
    if not found:
        raise InputError(
            f"--corrected {place} has neither {' nor '.join(CORRECTED_TABLES)}: name a folder with viewers.parquet, "
            f"videos.parquet or both (or .jsonl, .json or .csv), or one such file"
        )
    return found


def _corrected_rows(warehouse: Warehouse, load: LoadSource, validated: ValidatedTable) -> LoadedTable:
    if load.base is None:
        raise RuntimeError(f"corrected rows of {load.table} need the version that they correct")
    stored = warehouse.read(load.table, version=load.base)
    if load.table == "videos":
        _refuse_other_creators(stored, validated.good)
    if changed(stored, validated.good, validated.contract).isEmpty():
        return LoadedTable(validated, None)
    newer = rows_since(warehouse, load.table, load.base, warehouse.version(load.table))
    rows = merged(stored, validated.good, validated.contract)
    return LoadedTable(validated, rows, None if newer.isEmpty() else newer)


def _refuse_other_creators(stored: DataFrame, corrected: DataFrame) -> None:
    """Check that corrected videos keep their creators: changes are booked by video, and would not move its money."""
    pairs = corrected.join(stored.select("video_id", F.col("creator_id").alias("earlier")), "video_id")
    number, example = (
        pairs.where(F.col("creator_id") != F.col("earlier")).agg(F.count("*"), F.min("video_id")).collect()[0]
    )
    if number:
        raise InputError(
            f"videos: {number:,} corrected rows name another creator, for example that of '{quoted(example)}': to pay "
            f"somebody else for a video, load table video_rights"
        )


def _corrected_revenue(stored: DataFrame, validated: ValidatedTable) -> DataFrame | None:
    columns = list(validated.contract.column_names)
    good = validated.good.select(*columns)
    is_same = good.exceptAll(stored.select(*columns)).isEmpty() and stored.count() == validated.counts.accepted
    return None if is_same else good


def _stored_events(warehouse: Warehouse, day: date) -> StoredDays:
    """The stored events of all days on which an id of the loaded events may be, too."""
    present = near_days(warehouse, day, LONGEST_LATE_WINDOW)
    return StoredDays(present, warehouse.read("events", days=present))
