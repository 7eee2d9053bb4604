"""Proposes a mapping for sample files, as commented YAML. What the files do not have is said, and never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from creatorpool.contracts import load_contract
from creatorpool.contracts.model import Column
from creatorpool.ingest.delivery import needed_columns
from creatorpool.ingest.sources.defaults import DEFAULTS, likely_columns
from creatorpool.ingest.sources.groups import FileGroup, grouped
from creatorpool.ingest.sources.mapping import EVENT_DAY, INGEST_DAY
from creatorpool.ingest.sources.matches import Guess, matches, nearest
from creatorpool.ingest.sources.sample import SampleFile, example_values
from creatorpool.ingest.sources.units import currency, epoch_unit, micros_of_money, micros_of_time
from creatorpool.quoting import quoted
from creatorpool.storage.places import Place

_MOMENTS = {
    "seconds": "timestamp_seconds",
    "milliseconds": "timestamp_millis",
    "microseconds": "timestamp_micros",
}
_FROM_SECONDS, _FROM_MICROSECONDS = "multiply: 1000", "divide: 1000"
_DURATIONS: dict[int, list[str]] = {1_000_000: [_FROM_SECONDS, "round: true"], 1_000: [], 1: [_FROM_MICROSECONDS]}
"""Changes that make a duration milliseconds, by the microseconds in its unit"""


def proposed_mapping(folder: Place, files: Sequence[SampleFile], given: Mapping[str, str] | None = None) -> str:
    """A mapping for the sample `files` in `folder`, as YAML with comments.

    A column that is needed and not found is a comment that says so: the mapping is refused until somebody fills it in.
    `given` are columns of ours with their names in the files, which no guess replaces.

    Raises
    ------
    InputError
        If no file looks like a log of views, or has a `given` column.
    """
    groups = grouped(folder, files)
    guesses = matches(folder, groups, given)
    lines = [
        "description: >",
        "  Say here what these logs are, and what of this mapping is made up.",
        "time_zone: UTC  # of times in the files that name no zone; the zone of the day is ingest.day_timezone",
        *_viewers(guesses),
    ]
    lines += ["", "inputs:", *(line for guess in _own(guesses) for line in _input(guess, guesses))]
    lines += [*_unused_files(groups, guesses), "", "tables:"]
    for table in ("events", "viewers", "videos", "ad_revenue"):
        guess = next((guess for guess in guesses if guess.table == table), None)
        best = _nearest(table, guess, groups, guesses)
        lines += [
            *_account(table, best),
            *(_missing(table) if guess is None else _table(guess, _unused(guess, best, guesses))),
        ]
    return "\n".join(lines) + "\n"


def _own(guesses: Sequence[Guess]) -> list[Guess]:
    """One guess for each input, that of events first."""
    first = {guess.file.patterns: guess for guess in reversed(guesses)}
    return sorted(first.values(), key=lambda guess: guesses.index(guess))


def _name(guess: Guess) -> str:
    file_name = guess.file.patterns[0].rpartition("/")[2]
    stem = re.sub("[^a-z0-9]+", "_", file_name.split(".")[0].lower()).strip("_")
    return stem if stem and not stem[0].isdigit() else f"input_{stem}".rstrip("_")


def _viewers(guesses: Sequence[Guess]) -> Iterator[str]:
    names = sorted({guess.columns["viewer_id"] for guess in guesses if "viewer_id" in guess.columns})
    if names:
        yield f"viewer_columns: {json.dumps(names)}  # all columns with viewers' ids, for ingest.hash_viewer_ids"


def _input(guess: Guess, guesses: Sequence[Guess]) -> Iterator[str]:
    file = guess.file
    used = _used(file, guesses)
    yield f"  {_name(guess)}:"
    yield f"    files: {_files(file)}  # patterns such as log_*.csv are allowed"
    if file.separator not in (None, ","):
        yield f"    separator: {json.dumps(file.separator)}"
    if partial := [name for name in file.partial if name in used]:
        yield f"    optional_columns: {json.dumps(partial)}  # some files lack them"
    if guess.table == "events":
        yield from _time(guess)
    if unused := [name for name in file.columns if name not in used]:
        yield f"    # columns that no table uses: {json.dumps(unused)}"


def _used(file: FileGroup, guesses: Sequence[Guess]) -> set[str]:
    return {column for one in guesses if one.file == file for column in one.columns.values()}


def _files(file: FileGroup) -> str:
    return _text(file.patterns[0]) if len(file.patterns) == 1 else json.dumps(file.patterns)


def _time(guess: Guess) -> Iterator[str]:
    if "event_ts" in guess.columns:
        yield f"    time: {_how('event_ts', guess)}  # makes event_time and event_day for expressions"
    else:
        yield "    # time:  # FILL IN: the column with the time of the view, as for event_ts below"


def _unused_files(files: Sequence[FileGroup], guesses: Sequence[Guess]) -> Iterator[str]:
    used = {guess.file.patterns for guess in guesses}
    for file in files:
        if file.patterns not in used:
            yield f"  # files that no table uses: {_files(file)}, with the columns {json.dumps(list(file.columns))}"


def _nearest(table: str, guess: Guess | None, files: Sequence[FileGroup], guesses: Sequence[Guess]) -> Guess | None:
    """For a table without a complete file, the guess for the nearest file."""
    if guess is not None and not guess.is_derived:
        return None if guess.is_complete else guess
    return nearest(table, files, [pattern for one in guesses for pattern in one.file.patterns])


def _account(table: str, best: Guess | None) -> Iterator[str]:
    """A comment on what the nearest file of an incomplete table has and lacks."""
    if best is not None:
        yield f"  # {table}: the nearest is {best.account()}. If a column is it, map it below."


def _unused(guess: Guess, best: Guess | None, guesses: Sequence[Guess]) -> dict[str, Sequence[str]]:
    """Columns of the table's file, and of the nearest one, that no table uses, with their values.

    Columns of the nearest file are named with it, `id_checked of accounts.csv`, as its other columns are not mapped.
    """
    used = _used(guess.file, guesses)
    found: dict[str, Sequence[str]] = {name: values for name, values in guess.file.columns.items() if name not in used}
    if best is None or best.file == guess.file:
        return found
    other = {name: values for name, values in best.file.columns.items() if name not in best.columns.values()}
    return found | {f"{name} of {best.file.label}": values for name, values in other.items()}


def _table(guess: Guess, unused: Mapping[str, Sequence[str]]) -> Iterator[str]:
    contract = load_contract(guess.table)
    yield f"  {guess.table}:"
    yield f"    input: {_name(guess)}"
    if guess.table == "events":
        yield "    other_days: leave_out  # records of other days are counted and left out; `judge` accepts late ones"
    if guess.is_derived:
        key = "viewer_id" if guess.table == "viewers" else "video_id"
        yield f"    one_row_per: [{_text(guess.columns[key])}]  # no file of its own: the ids in the log"
        yield f"    where: {EVENT_DAY} = {INGEST_DAY}  # other records are counted as filtered"
    yield "    columns:"
    for column in contract.columns:
        if (guess.table, column.name) != ("events", "date"):
            yield from _column(guess, column, unused)


def _column(guess: Guess, column: Column, unused: Mapping[str, Sequence[str]]) -> Iterator[str]:
    name = column.name
    if name in guess.columns:
        how = _how(name, guess)
        yield f"      {name}: {how}  # such as {example_values(guess.file.columns[guess.columns[name]])}"
    elif name == "event_id" and guess.is_complete:
        parts = [guess.columns[key] for key in ("viewer_id", "video_id", "event_ts")]
        yield f"      event_id: {{joined: {json.dumps(parts)}}}  # no column looks like it"
    elif name == "currency" and (code := currency(guess.columns["revenue_micros"])):
        yield f"      currency: {{value: {code}}}  # from the name of {_text(guess.columns['revenue_micros'])}"
    elif (guess.table, name) == ("ad_revenue", "date"):
        yield "      date: {sql: ingest_day}  # no column looks like it: all revenue is of the day that is ingested"
    elif name in DEFAULTS:
        yield f"      {name}: {{value: {json.dumps(DEFAULTS[name].value)}}}  # {_remark(name, unused)}"
    elif not column.nullable:
        yield f"      # {name}:  # FILL IN: no column looks like it. {column.description}."


def _remark(name: str, unused: Mapping[str, Sequence[str]]) -> str:
    """What a constant means, and the unused columns that people must look at before they keep it."""
    meaning = DEFAULTS[name].meaning
    likely = likely_columns(name, unused)
    if not likely:
        return f"no column looks like it: {meaning}"
    shown = ", ".join(f"{quoted(column)} ({example_values(unused[column])})" for column in likely)
    return f"CHECK whether it is in {shown}; with this constant, {meaning}"


def _how(name: str, guess: Guess) -> str:
    """The YAML of a column that was found in the files."""
    column, values = guess.columns[name], guess.file.columns[guess.columns[name]]
    changes = _changes(name, column, values)
    is_key = name in ("viewer_id", "video_id")
    if guess.is_derived and not is_key:
        return f"{{sql: {json.dumps(_aggregate(name, column, changes))}}}"
    if changes == [_FROM_MICROSECONDS]:
        return f"{{sql: {json.dumps(_in_ms(f'try_cast(`{column}` AS DOUBLE)', changes))}}}"
    return f"{{column: {_text(column)}, {', '.join(changes)}}}" if changes else _text(column)


def _aggregate(name: str, column: str, changes: Sequence[str]) -> str:
    """SQL for one value of a column that has a value in each record of the log."""
    if name == "length_ms":
        return _in_ms(f"max(try_cast(`{column}` AS DOUBLE))", changes)
    unit = next((change.removeprefix("epoch: ") for change in changes if "epoch" in change), None)
    return f"max(`{column}`)" if unit is None else f"{_MOMENTS[unit]}(max(try_cast(`{column}` AS BIGINT)))"


def _in_ms(number: str, changes: Sequence[str]) -> str:
    """SQL for a duration in whole milliseconds; `changes` are those of its column."""
    operation = {_FROM_MICROSECONDS: "/ 1000", _FROM_SECONDS: "* 1000"}.get((*changes, "")[0], "* 1")
    return f"CAST(round({number} {operation}) AS BIGINT)"


def _changes(name: str, column: str, values: Sequence[str]) -> list[str]:
    if name in ("event_ts", "published_at", "valid_from") and (unit := epoch_unit(column, values)):
        return [f"epoch: {unit}"]
    if name in ("watch_ms", "length_ms"):
        return _DURATIONS[micros_of_time(column, values)]
    if name == "revenue_micros" and (factor := micros_of_money(column)) > 1:
        return [f"multiply: {factor}"]
    return []


def _missing(table: str) -> Iterator[str]:
    columns = ", ".join(needed_columns(load_contract(table)))
    yield f"  # {table}: no file looks like it. Map it here, or put {table}.csv beside the logs, with the columns"
    yield f"  # {columns}"


def _text(value: str) -> str:
    """`value` as YAML text."""
    return value if re.fullmatch(r"[A-Za-z_][\w/.]*", value) and value.lower() not in _YAML_WORDS else json.dumps(value)


_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
