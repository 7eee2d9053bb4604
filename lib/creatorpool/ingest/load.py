"""Validates one table that is loaded between nights: rights, holds and the like, late events, corrected revenue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import InputError
from creatorpool.ingest.conversion import RATES, converted_revenue, refuse_other_base
from creatorpool.ingest.delivery import SETTLEMENT_TABLES, given_files
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.events import Dimension, EventDays, StoredDays, deduplicate_events, near_days
from creatorpool.ingest.merge_rules import refuse_inconsistent
from creatorpool.ingest.native import read_native
from creatorpool.ingest.pseudonyms import VIEWER, Pseudonyms
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import refuse_broken_feed, refuse_revenue
from creatorpool.ingest.rules import table_rules
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.settings import LONGEST_LATE_WINDOW, IngestSettings
from creatorpool.settlement.rates import Conversion
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

DATED_TABLES = ("events", "ad_revenue")
"""Tables of a published day that may be loaded later: late events, and revenue that replaces the day's"""
LOADED_TABLES = (*SETTLEMENT_TABLES, *DATED_TABLES)


@dataclass(frozen=True)
class LoadSource:
    """What is loaded: the table, its files, the day of late events or revenue, and how files are read.

    `currency` is the settlement currency; None: revenue is in the day's currency.
    """

    table: str
    source: Place
    day: date
    settings: IngestSettings
    hash_key: str | None
    currency: str | None = None


@dataclass(frozen=True)
class LoadedTable:
    """A validated table, and the rows by which it changes what is stored; None if nothing changes.

    `rows` replace the whole table, or the day's revenue; rows of `events` are added. `conversions` are those of
    revenue.
    """

    validated: ValidatedTable
    rows: DataFrame | None
    conversions: Mapping[str, Conversion] = field(default_factory=dict)


def load_rows(warehouse: Warehouse, load: LoadSource, staging: Place) -> LoadedTable:
    """Read and validate the files of `load`; `staging` is a folder for copies, which must outlive the rows.

    Raises
    ------
    InputError
        If files are missing, unreadable or have other columns; if no row can be accepted; if too many events are
        refused; if rights or appeals contradict each other; if rates are not those of the settlement currency, or one
        is missing for a currency of the revenue; if the revenue is in another currency than the day's.
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
    validated = validated_table(delivery, contract, session, load.day, staging, table_rules(load.table))
    if load.table == "ad_revenue":
        return _load_revenue(warehouse, load, validated)
    if validated.counts.quarantined and not validated.counts.accepted:
        raise InputError(f"{load.table}: no row of {files.place} can be accepted; for example {validated.example()}")
    if load.table == RATES and load.currency is not None:
        refuse_other_base(validated.good, load.currency)
    return LoadedTable(validated, _merged(warehouse, validated))


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


def _merged(warehouse: Warehouse, validated: ValidatedTable) -> DataFrame | None:
    contract = validated.contract
    stored = warehouse.read(contract.name) if warehouse.exists(contract.name) else None
    rows = merged(stored, validated.good, contract)
    refuse_inconsistent(contract.name, stored, validated.good, rows)
    if stored is not None and changed(stored, validated.good, contract).isEmpty():
        return None
    return rows


def _load_revenue(warehouse: Warehouse, load: LoadSource, validated: ValidatedTable) -> LoadedTable:
    refuse_revenue(validated, load.day, load.currency)
    known = warehouse.read(RATES) if warehouse.exists(RATES) else None
    own, conversions = converted_revenue(validated, load.day, load.currency, lambda: known)
    stored = with_new_columns(warehouse.read("ad_revenue", day=load.day), own.contract)
    _refuse_other_currency(stored, own, load)
    return LoadedTable(own, _corrected_revenue(stored, own), conversions)


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


def _corrected_revenue(stored: DataFrame, validated: ValidatedTable) -> DataFrame | None:
    columns = list(validated.contract.column_names)
    good = validated.good.select(*columns)
    is_same = good.exceptAll(stored.select(*columns)).isEmpty() and stored.count() == validated.counts.accepted
    return None if is_same else good


def _stored_events(warehouse: Warehouse, day: date) -> StoredDays:
    """The stored events of all days on which an id of the loaded events may be, too."""
    present = near_days(warehouse, day, LONGEST_LATE_WINDOW)
    return StoredDays(present, warehouse.read("events").where(F.col("date").isin(list(present))))
