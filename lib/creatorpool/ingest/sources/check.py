"""Checks a mapping against a sample of files: finds the faults of files, columns, expressions and rows together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from pyspark.sql import functions as F

from creatorpool.contracts import Contract, load_contract
from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.ingest.delivery import REQUIRED_TABLES, Delivery, find_files, needed_columns
from creatorpool.ingest.events import EventDays, dated_rows
from creatorpool.ingest.native import read_native
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.shifted_day import whole_days_elsewhere
from creatorpool.ingest.sources.clocks import local_times
from creatorpool.ingest.sources.columns import own_name
from creatorpool.ingest.sources.expressions import part_faults
from creatorpool.ingest.sources.files import InputRows
from creatorpool.ingest.sources.findings import SourceFindings
from creatorpool.ingest.sources.made_up import compliance_warnings
from creatorpool.ingest.sources.mapping import EVENT_DAY, TABLES, LoadedMapping, MappedPart
from creatorpool.ingest.sources.tables import MappedSource, delivered_table, prepared, read_source, with_time
from creatorpool.ingest.sources.verdict import Judge
from creatorpool.ingest.whole_days import hours_to_whole_days
from creatorpool.settings import Settings
from creatorpool.storage.places import Place

_NO_DAY = date(2000, 1, 1)
"""Stands for the run's day in expressions if there is none: no sampled time can be read"""


def check_source(
    reading: Reading, loaded: LoadedMapping, source: Place, day: date | None, limit: int, settings: Settings
) -> SourceFindings:
    """Read at most `limit` records of each file of `source`, and report everything that is wrong.

    `day` is the day that the run would ingest; by default it is the day with the most sampled events.

    Raises
    ------
    InputError
        If `source` is not a folder.
    """
    if not source.is_dir():
        raise InputError(f"source {source} is not a folder")
    zone = settings.ingest.day_timezone
    found = SourceFindings(timezone=zone, files_timezone=loaded.mapping.time_zone)
    read = _readable(found, loaded, lambda name: read_source(reading, loaded, source, name, limit))
    found.is_cut = any(rows.is_cut for rows in read.values())
    found.local_times = local_times(loaded, read)
    natives = _natives(reading, loaded, source, found)
    found.days = _days(loaded, read, natives, zone)
    found.day = day or max(found.days, key=lambda one: found.days[one], default=None)
    run_day = found.day or _NO_DAY
    inputs = _readable(found, loaded, lambda name: prepared(loaded, name, read[name], run_day, zone), set(read))
    mapped = MappedSource(loaded, inputs, reading.staging)
    judge = Judge(reading, settings, run_day)
    for table in loaded.mapping.tables:
        with found.keeping_faults(table):
            _check_mapped(mapped, load_contract(table), found, judge)
    for table, delivery in natives.items():
        with found.keeping_faults(table):
            _judge(delivery, load_contract(table), found, judge)
    if found.day is None and not found.faults:
        found.faults.append("events: no sampled record has a time that can be read: correct `time` of its input")
    _compare_clocks(found)
    found.warnings += compliance_warnings(loaded, source, read, settings.ingest)
    return found


def _readable(
    found: SourceFindings,
    loaded: LoadedMapping,
    read: Callable[[str], InputRows],
    names: Collection[str] | None = None,
) -> dict[str, InputRows]:
    """The inputs that can be read; faults of the others go to `found`."""
    inputs: dict[str, InputRows] = {}
    for name in loaded.mapping.inputs:
        try:
            if names is None or name in names:
                inputs[name] = read(name)
        except CreatorpoolError as error:
            found.keep(error)
    return inputs


def _natives(reading: Reading, loaded: LoadedMapping, source: Place, found: SourceFindings) -> dict[str, Delivery]:
    """The tables that the mapping does not have, from files in the native layout."""
    deliveries: dict[str, Delivery] = {}
    for table in (table for table in TABLES if table not in loaded.mapping.tables):
        contract = load_contract(table)
        with found.keeping_faults(table):
            files = find_files(source, table)
            if files is not None:
                deliveries[table] = read_native(reading, files, contract)
            elif table in REQUIRED_TABLES:
                raise InputError(
                    f"{table}: the mapping has no such table, and {source} has no {table}.parquet, .jsonl, .json or "
                    f".csv: map it, or put it there with the columns {needed_columns(contract)}"
                )
    return deliveries


def _days(
    loaded: LoadedMapping, inputs: Mapping[str, InputRows], natives: Mapping[str, Delivery], timezone: str
) -> dict[date, int]:
    """Numbers of records by day: those of inputs with a time, and events in the native layout."""
    frames = []
    for name, given in inputs.items():
        column = (time := loaded.mapping.inputs[name].time) and time.column
        if time is not None and (not column or own_name(given.rows, column) is not None):
            frames.append(with_time(loaded, name, given.rows, timezone).select(F.col(EVENT_DAY).alias("day")))
    if (events := natives.get("events")) is not None:
        # Not in the folder for converted rows, which the verdict on the table fills.
        rows, _, _ = dated_rows(replace(events, staging=None), load_contract("events"), timezone)
        frames.append(rows.select(F.col("date").alias("day")))
    counts: Counter[date] = Counter()
    for rows in frames:
        counts.update({row["day"]: row["count"] for row in rows.dropna().groupBy("day").count().collect()})
    return dict(sorted(counts.items()))


def _check_mapped(mapped: MappedSource, contract: Contract, found: SourceFindings, judge: Judge) -> None:
    parts = mapped.loaded.parts(contract.name)
    needed = {name for one in parts for name in (one.part.input, *one.part.lookups)}
    if not needed <= set(mapped.inputs):
        return  # the fault of the input is reported already
    faults = [fault for one in parts for fault in part_faults(mapped.loaded, mapped.part_rows(one.part), contract, one)]
    found.faults += faults
    found.warnings += _unseen(mapped, parts)
    if not faults:
        _judge(delivered_table(mapped, contract), contract, found, judge)


def _unseen(mapped: MappedSource, parts: Sequence[MappedPart]) -> Iterator[str]:
    """A warning for each column that no sampled record has; JSON lines may leave out what is null."""
    for one in parts:
        unseen = mapped.inputs[one.part.input].unseen
        for name, how in one.part.columns.items():
            place = mapped.loaded.place(*one.keys, "columns", name)
            for column in (column for column in (how.column, *(how.joined or ())) if column in unseen):
                yield f"{place}: no sampled record of input '{one.part.input}' has '{column}', so it is NULL in all"


def _judge(delivery: Delivery, contract: Contract, found: SourceFindings, judge: Judge) -> None:
    if found.day is None and "date" in contract.partition_by:
        return  # nobody knows which of its rows a run would take
    sampled = judge.table(delivery, contract)
    found.tables[contract.name] = sampled
    found.faults += sampled.faults
    found.warnings += sampled.warnings


def _compare_clocks(found: SourceFindings) -> None:
    """Say whether the sampled times fill whole days by the platform's clocks, or by others."""
    events = found.tables.get("events")
    if found.day is None or events is None or not events.hours:
        return
    shift = hours_to_whole_days(events.hours)
    found.has_whole_days = shift == 0
    if shift and not (events.faults or events.warnings):
        days = EventDays(found.day, 0, found.timezone)
        found.warnings.append(f"events: {whole_days_elsewhere(days, shift)}")
