"""Makes the tables of a delivery from the inputs of a mapping. Each record of a file is accounted for.

A record becomes a row of its table, or it is merged into a row (`one_row_per`), is of another day (`other_days`), or is
filtered (`where`); the last three are counted. A record that cannot be read is not filtered but goes to quarantine.
Tables that group records leave that to the tables that do not; if an input feeds only such tables, the first of them
shows the record. In a log of several days (`other_days: leave_out`) a record without a readable time
belongs to no day: the first run that reads the files puts it into its quarantine, and the runs of other days count it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import InputError
from creatorpool.expressions import require_computable
from creatorpool.ingest.delivery import Delivery, LeftOut, LogTimes, optional_columns
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.sources.columns import moment, named, own_name
from creatorpool.ingest.sources.expressions import grouped_rows, part_columns, part_faults
from creatorpool.ingest.sources.files import InputFiles, InputRows, input_paths, read_input, require_column
from creatorpool.ingest.sources.mapping import (
    EVENT_DAY,
    EVENT_TIME,
    INGEST_DAY,
    INPUT_FILE,
    LoadedMapping,
    MappedPart,
    TableMapping,
)
from creatorpool.ingest.steps import log_step
from creatorpool.platform_day import day_expression
from creatorpool.quoting import quoted
from creatorpool.storage.places import Place

_IS_KEPT, _IS_OTHER_DAY, _IS_DATELESS = "is_kept", "is_other_day", "is_dateless"


@dataclass(frozen=True)
class MappedSource:
    """The inputs of a mapping with the columns that expressions may use; `staging` is the folder for copies.

    Another run has put the records without a day of the inputs `told_elsewhere` into its quarantine.
    """

    loaded: LoadedMapping
    inputs: Mapping[str, InputRows]
    staging: Place
    told_elsewhere: Collection[str] = ()

    def shows_unreadable(self, found: MappedPart) -> bool:
        """Whether a part that groups records shows those of its input that cannot be read, as no other part does."""
        tables = self.loaded.mapping.tables
        readers = [own for table in tables for own in self.loaded.parts(table) if own.part.input == found.part.input]
        return readers[0].keys == found.keys and all(own.part.one_row_per is not None for own in readers)

    def part_rows(self, part: TableMapping) -> DataFrame:
        """The records of a part's input, with the columns of its lookups that it uses, as ``<lookup>_<column>``.

        Raises
        ------
        InputError
            If the files lack a key of a lookup, or rows of a lookup differ for one key.
        """
        rows = self.inputs[part.input].rows
        for lookup, key in part.lookups.items():
            rows = _with_lookup(rows, lookup, key, self.inputs[lookup].rows, part.names())
        return rows


def read_source(
    reading: Reading, loaded: LoadedMapping, source: Place, name: str, limit: int | None = None
) -> InputRows:
    """The records of input `name` in folder `source`, or the first `limit` of each file; errors as in `read_input`."""
    given = loaded.mapping.inputs[name]
    paths = input_paths(source, name, given)
    log_step(f"input '{name}'", f"reads {len(paths)} files of {source}")
    return read_input(reading, InputFiles(name, given, loaded.mapping.names(name), paths, limit))


def with_time(loaded: LoadedMapping, name: str, rows: DataFrame, timezone: str) -> DataFrame:
    """`rows` of input `name` with `event_time` and, by the clocks of `timezone`, `event_day`, if the input has `time`.

    Raises
    ------
    InputError
        If the files do not have the column of the time.
    """
    given = loaded.mapping.inputs[name].time
    if given is None:
        return rows
    if given.column is not None:
        require_column(given.column, rows, loaded.place("inputs", name, "time"))
    timed = rows.withColumn(EVENT_TIME, moment(rows, given, loaded.mapping.time_zone))
    return timed.withColumn(EVENT_DAY, F.expr(day_expression(EVENT_TIME, timezone)))


def prepared(loaded: LoadedMapping, name: str, read: InputRows, day: date, timezone: str) -> InputRows:
    """Input `name` with all columns that expressions may use, in a run over `day` by the clocks of `timezone`.

    Raises
    ------
    InputError
        If the files do not have the column of the time, or have a computed column already.
    ConfigurationError
        If a computed column cannot be computed.
    """
    rows = with_time(loaded, name, read.rows.withColumn(INGEST_DAY, F.lit(day)), timezone)
    for column, sql in loaded.mapping.inputs[name].computed.items():
        place = loaded.place("inputs", name, "computed", column)
        if own_name(rows, column) is not None:
            raise InputError(f"{place}: the files have a column of this name: rename the computed one")
        require_computable(rows, place, sql, "string")
        rows = rows.withColumn(column, F.expr(sql))
    return replace(read, rows=rows)


def read_mapped(
    reading: Reading,
    loaded: LoadedMapping,
    source: Place,
    day: date,
    contracts: Callable[[str], Contract],
    told_elsewhere: Collection[str] = (),
) -> dict[str, Delivery]:
    """The tables of a mapping, with the counts of the records that became no row of their own.

    `told_elsewhere` names inputs whose records without a day are in the quarantine of another day already.

    Raises
    ------
    InputError
        If a file is missing or unreadable, or if the files and the mapping do not fit; the message has all faults.
    ConfigurationError
        If a computed column of an input cannot be computed.
    """
    zone = reading.settings.day_timezone
    read = {name: read_source(reading, loaded, source, name) for name in loaded.mapping.inputs}
    inputs = {name: prepared(loaded, name, rows, day, zone) for name, rows in read.items()}
    mapped = MappedSource(loaded, inputs, reading.staging, told_elsewhere)
    return {table: delivered_table(mapped, contracts(table)) for table in loaded.mapping.tables}


def delivered_table(mapped: MappedSource, contract: Contract) -> Delivery:
    """One table of a mapping; errors as in `mapped_part`."""
    log_step(contract.name, "maps its columns")
    parts = mapped.loaded.parts(contract.name)
    made = [mapped_part(mapped, contract, found) for found in parts]
    rows = tuple(rows for part in made for rows in part.rows)
    leaves_out = contract.name == "events" and any(found.part.other_days == "leave_out" for found in parts)
    return Delivery(
        contract.name,
        rows,
        absent=tuple({"date"} - set(rows[0].columns)) if contract.name == "events" else (),
        is_text=True,
        left_out=sum((part.left_out for part in made), LeftOut()),
        dateless=sum(part.dateless for part in made),
        staging=mapped.staging / f"{contract.name}-converted",
        times=tuple(_times(mapped, found.part) for found in parts) if leaves_out else (),
        origins=mapped.loaded.origins(contract.name),
    )


def _times(mapped: MappedSource, part: TableMapping) -> LogTimes:
    given = mapped.inputs[part.input]
    rows = given.rows.select(F.col(EVENT_TIME).alias("event_ts"), named(INPUT_FILE).alias("file"))
    return LogTimes(rows, tuple(path.name for path in given.paths))


@dataclass(frozen=True)
class MappedRows:
    """The rows of one part, the counts of the records that became none, and the number of rows that have no day."""

    rows: tuple[DataFrame, ...]
    left_out: LeftOut
    dateless: int = 0


def mapped_part(mapped: MappedSource, contract: Contract, found: MappedPart) -> MappedRows:
    """The rows of one part with the columns of its table.

    Raises
    ------
    InputError
        If the files lack columns, or the engine cannot compute expressions; the message has all faults.
    """
    part, number = found.part, mapped.inputs[found.part.input].number
    rows = mapped.part_rows(part)
    if faults := part_faults(mapped.loaded, rows, contract, found):
        raise InputError("; ".join(faults))
    is_read = _is_read(mapped.inputs[part.input])
    marked = rows.withColumns(
        {_IS_KEPT: _is_kept(part, is_read), _IS_OTHER_DAY: _is_other_day(part), _IS_DATELESS: _is_dateless(part)}
    )
    left_out, dateless = _left_out(marked, part)
    made = part_columns(mapped.loaded.mapping, rows, contract, part)
    kept = marked.where(F.col(_IS_KEPT) & ~F.col(_IS_OTHER_DAY))
    if dateless and part.input in mapped.told_elsewhere:
        kept = kept.where(~F.col(_IS_DATELESS))
        left_out, dateless = left_out + LeftOut(elsewhere=dateless), 0
    if part.one_row_per is None:
        shown = {name: F.when(is_read, column) for name, column in made.items()} | {RAW_ROW: F.col(RAW_ROW)}
        complete = _complete(kept.select(*(value.alias(name) for name, value in shown.items())), contract)
        return MappedRows((complete,), left_out, dateless)
    grouped = grouped_rows(kept, part, made)
    left_out += LeftOut(merged=number - left_out.total - grouped.count())
    parts = [grouped]
    unread = rows.where(~is_read)
    if mapped.shows_unreadable(found) and (unreadable := unread.count()):
        left_out += LeftOut(filtered=-unreadable)
        nothing = (F.lit(None).cast("string").alias(name) for name in made)
        parts.append(unread.select(*nothing, F.col(RAW_ROW)))
    return MappedRows(tuple(_complete(rows, contract) for rows in parts), left_out)


def _is_read(given: InputRows) -> Column:
    """Whether a record could be read: an unreadable one has its text in `raw_row` and no other value."""
    return reduce(or_, (named(name).isNotNull() for name in given.names))


def _is_kept(part: TableMapping, is_read: Column) -> Column:
    """Whether a record is not filtered; one that cannot be read is in no group."""
    holds = F.lit(True)
    if part.where is not None:
        holds = F.coalesce(F.expr(part.where).cast("boolean"), F.lit(False))
    return is_read & holds if part.one_row_per is not None else ~is_read | holds


def _is_other_day(part: TableMapping) -> Column:
    if part.other_days == "judge":
        return F.lit(False)
    return F.coalesce(F.col(EVENT_DAY) != F.col(INGEST_DAY), F.lit(False))


def _is_dateless(part: TableMapping) -> Column:
    """Whether a record of a log with several days is of none of them; rows made of several records are not asked."""
    if part.other_days == "judge" or part.one_row_per is not None:
        return F.lit(False)
    return F.col(EVENT_DAY).isNull()


def _left_out(marked: DataFrame, part: TableMapping) -> tuple[LeftOut, int]:
    """The counts of records that become no row, and the number of those without a day that become one."""
    if part.where is None and part.other_days == "judge" and part.one_row_per is None:
        return LeftOut(), 0
    is_kept = F.col(_IS_KEPT)
    wanted = (~is_kept, is_kept & F.col(_IS_OTHER_DAY), is_kept & F.col(_IS_DATELESS))
    (counts,) = marked.select(*map(F.count_if, wanted)).collect()
    return LeftOut(filtered=counts[0], other_day=counts[1]), counts[2]


def _complete(rows: DataFrame, contract: Contract) -> DataFrame:
    """`rows` with NULL in the columns that the mapping does not name, but for those that follow from others."""
    derived = {name for name in optional_columns(contract) if not contract.column(name).nullable}
    lacking = set(contract.column_names) - set(rows.columns) - derived
    return rows.withColumns({name: F.lit(None).cast("string") for name in sorted(lacking)}) if lacking else rows


def _with_lookup(rows: DataFrame, name: str, key: str, found: DataFrame, used: Collection[str]) -> DataFrame:
    place = f"lookup '{name}'"
    require_column(key, rows, place)
    require_column(key, found, place)
    wanted = {word.lower() for word in used}
    given = [column for column in found.columns if f"{name}_{column}".lower() in wanted]
    key_text = named(f"{name} key")
    values = (named(column).alias(f"{name}_{column}") for column in given)
    single = found.select(named(key).cast("string").alias(f"{name} key"), *values).distinct()
    twice = single.where(key_text.isNotNull()).groupBy(key_text.alias("key")).count().where(F.col("count") > 1)
    if example := twice.orderBy("key").first():
        raise InputError(f"{place}: several rows have {key} '{quoted(example['key'])}' and differ: deliver one of them")
    return rows.join(single, named(key).cast("string") == key_text, "left")
