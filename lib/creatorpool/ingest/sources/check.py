"""Checks a mapping against a sample of files: finds all faults of files, columns, expressions and rows at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule, load_contract
from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.ingest.delivery import REQUIRED_TABLES, Delivery, LeftOut, find_files, needed_columns
from creatorpool.ingest.events import dated_rows
from creatorpool.ingest.judging import judged
from creatorpool.ingest.native import read_native
from creatorpool.ingest.outcomes import OutcomeCounts, count_outcomes
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import purposes
from creatorpool.ingest.rules import table_rules, window_rule
from creatorpool.ingest.sources.columns import own_name
from creatorpool.ingest.sources.expressions import part_faults
from creatorpool.ingest.sources.files import InputRows
from creatorpool.ingest.sources.mapping import EVENT_DAY, LoadedMapping
from creatorpool.ingest.sources.tables import MappedSource, delivered_table, prepared, read_source, with_time
from creatorpool.ingest.validation import conformed
from creatorpool.quoting import quoted
from creatorpool.settings import Settings
from creatorpool.storage.places import Place


@dataclass(frozen=True)
class SampledTable:
    """The sampled records of one table: rows by verdict, an example for each broken rule, and what became no row."""

    outcomes: OutcomeCounts
    examples: Mapping[str, str]
    left_out: LeftOut


@dataclass
class SourceFindings:
    """What a check found: `faults`, which would stop a run, and the sampled rows of each table."""

    faults: list[str] = field(default_factory=list)
    tables: dict[str, SampledTable] = field(default_factory=dict)
    days: dict[date, int] = field(default_factory=dict)
    """Numbers of sampled records by day"""
    day: date = date(1970, 1, 1)
    """The day that the sample is judged for"""
    timezone: str = "UTC"
    """The zone by whose clocks days begin and end"""
    files_timezone: str = "UTC"
    """The zone of times in the files that name none"""


def check_source(
    reading: Reading, loaded: LoadedMapping, source: Place, day: date | None, limit: int, settings: Settings
) -> SourceFindings:
    """Read at most `limit` records of each file of `source`, and report everything that is wrong.

    `day` is the day that the run would ingest; by default it is the day with the most sampled events.
    """
    zone = settings.ingest.day_timezone
    found = SourceFindings(timezone=zone, files_timezone=loaded.mapping.time_zone)
    read = _readable(found, loaded, lambda name: read_source(reading, loaded, source, name, limit))
    found.days = _days(loaded, read, zone)
    found.day = day or max(found.days, key=lambda one: found.days[one], default=found.day)
    inputs = _readable(found, loaded, lambda name: prepared(loaded, name, read[name], found.day, zone), set(read))
    mapped = MappedSource(loaded, inputs, reading.staging)
    for table in loaded.mapping.tables:
        _check_mapped(mapped, load_contract(table), found, settings)
    for table in REQUIRED_TABLES:
        if table not in loaded.mapping.tables:
            _check_native(reading, source, load_contract(table), found, settings)
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
            found.faults.append(str(error))
    return inputs


def _days(loaded: LoadedMapping, inputs: Mapping[str, InputRows], timezone: str) -> dict[date, int]:
    counts: Counter[date] = Counter()
    for name, given in inputs.items():
        column = (time := loaded.mapping.inputs[name].time) and time.column
        if time is None or (column and own_name(given.rows, column) is None):
            continue
        rows = with_time(loaded, name, given.rows, timezone).where(F.col(EVENT_DAY).isNotNull())
        counts.update({row[EVENT_DAY]: row["count"] for row in rows.groupBy(EVENT_DAY).count().collect()})
    return dict(sorted(counts.items()))


def _check_mapped(mapped: MappedSource, contract: Contract, found: SourceFindings, settings: Settings) -> None:
    parts = mapped.loaded.parts(contract.name)
    needed = {name for one in parts for name in (one.part.input, *one.part.lookups)}
    if not needed <= set(mapped.inputs):
        return  # the fault of the input is reported already
    try:
        faults = [
            fault for one in parts for fault in part_faults(mapped.loaded, mapped.part_rows(one.part), contract, one)
        ]
        found.faults += faults
        if not faults:
            _judge(delivered_table(mapped, contract), contract, found, settings, mapped.staging)
    except CreatorpoolError as error:
        found.faults.append(str(error))
    except PySparkException as error:
        found.faults.append(f"{contract.name}: an expression fails on a record: {str(error).strip().splitlines()[0]}")


def _check_native(
    reading: Reading, source: Place, contract: Contract, found: SourceFindings, settings: Settings
) -> None:
    try:
        files = find_files(source, contract.name)
        if files is None:
            raise InputError(
                f"{contract.name}: the mapping has no such table, and {source} has no {contract.name}.parquet, "
                f".jsonl, .json or .csv: map it, or put it there with the columns {needed_columns(contract)}"
            )
        _judge(read_native(reading, files, contract), contract, found, settings, reading.staging)
    except CreatorpoolError as error:
        found.faults.append(str(error))


def _judge(delivery: Delivery, contract: Contract, found: SourceFindings, settings: Settings, folder: Place) -> None:
    rules = _rules(contract, found.day, settings)
    if contract.name == "events":
        rows, contract, day_rules = dated_rows(delivery, contract, settings.ingest.day_timezone)
        rules += day_rules
    else:
        rows = conformed(delivery, contract)
    found_rows = judged(rows, contract, rules, delivery=delivery, folder=folder)
    sampled = SampledTable(count_outcomes(found_rows, contract), _examples(found_rows.broken), delivery.left_out)
    found.tables[contract.name] = sampled
    found.faults += refused_share(contract, rules, sampled, settings)


def refused_share(contract: Contract, rules: Sequence[RowRule], sampled: SampledTable, settings: Settings) -> list[str]:
    """The fault of a table of which more rows are refused than a run accepts, with the broken rules' hints; else none.

    `rules` are the run's rules beside those of the `contract`.
    """
    outcomes = sampled.outcomes
    share = outcomes.quarantined / max(1, outcomes.rows)
    most = 0.0 if contract.on_row_fault == "stop" else settings.ingest.max_quarantined_share
    if share <= most:
        return []
    return [
        f"{contract.name}: {outcomes.quarantined:,} of {outcomes.rows:,} sampled rows break rules "
        f"({', '.join(sampled.examples)}), more than a run accepts ({most:.0%})"
        f"{purposes((*contract.row_rules, *rules), sampled.examples)}"
    ]


def _rules(contract: Contract, day: date, settings: Settings) -> list[RowRule]:
    """Rules of a run that a sample can be judged by: it does not show which viewers and videos are known."""
    if contract.name == "events":
        return [window_rule(day, settings.ingest.late_window_days)]
    return table_rules(contract.name, settings.signals.tiers)


def _examples(flagged: DataFrame) -> dict[str, str]:
    failed = flagged.select(F.explode("failed_rules").alias("rule"), "raw_row").groupBy("rule")
    rows = failed.agg(F.min("raw_row").alias("example")).orderBy("rule").collect()
    return {row["rule"]: quoted(row["example"]) for row in rows}
