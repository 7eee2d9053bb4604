"""Proposes a mapping for sample files, as commented YAML. What the files do not have is said, and never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from creatorpool.actions import ACTION_FLAGS
from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.sources.guesses import epoch_unit, factor_to_ms, guessed
from creatorpool.ingest.sources.mapping import EVENT_DAY, INGEST_DAY
from creatorpool.ingest.sources.sample import SampleFile
from creatorpool.quoting import quoted, shortened_list

_ESSENTIAL = {
    "events": ("viewer_id", "video_id", "event_ts"),
    "videos": ("video_id", "length_ms"),
    "viewers": ("viewer_id", "trust_tier"),
    "ad_revenue": ("category", "revenue_micros"),
}
"""Columns that a file must have to be taken for a table"""

_EXAMPLES = 3
_EXAMPLE_LENGTH = 30
_START = "2000-01-01"
_MOMENTS = {
    "seconds": "timestamp_seconds",
    "milliseconds": "timestamp_millis",
    "microseconds": "timestamp_micros",
}
_CONSTANTS: dict[str, tuple[object, str]] = {
    "trust_tier": ("unverified", "not in the files: every viewer has the least trust"),
    "valid_from": (_START, "not in the files"),
    "published_at": (_START, "not in the files"),
    "is_compliant": (True, "not in the files: every video may be paid"),
    "s_pos": (1.0, "not in the files: no video is less safe than another"),
    "s_tox": (0.0, "not in the files: no video is toxic"),
    "is_pulse": (False, "not in the files: no Pulse ads are sold"),
    "placement": ("non_pulse", "not in the files: all revenue is the pools'"),
    **dict.fromkeys(ACTION_FLAGS, (False, "not in the files: the action never happens")),
}
"""What stands for a missing column, and what that means for payouts"""


@dataclass(frozen=True)
class _Guess:
    """A table, the file that seems to feed it, and the columns that seem to be the table's."""

    table: str
    file: SampleFile
    columns: dict[str, str]
    is_derived: bool = False
    """The table has no file of its own: its rows are the ids in the file of events"""


def proposed_mapping(folder: Path, files: Sequence[SampleFile]) -> str:
    """A mapping for the sample `files` in `folder`, as YAML with comments.

    A column that is needed and not found is a comment that says so: the mapping is refused until somebody fills it in.

    Raises
    ------
    InputError
        If no file looks like a log of views.
    """
    if not list(_guess("events", files)):
        seen = shortened_list(name for file in files for name in file.columns)
        raise InputError(f"no file of {folder} looks like a log of views (viewer, video, time): it has {seen}")
    guesses = [guess for table in ("events", "videos", "viewers", "ad_revenue") for guess in _guess(table, files)]
    lines = [
        "description: >",
        "  Say here what these logs are, and what of this mapping is made up.",
        *_viewers(guesses),
    ]
    lines += ["", "inputs:", *(line for guess in _own(guesses) for line in _input(folder, guess)), "", "tables:"]
    for table in ("events", "viewers", "videos", "ad_revenue"):
        lines += next((list(_table(guess)) for guess in guesses if guess.table == table), list(_missing(table)))
    return "\n".join(lines) + "\n"


def _guess(table: str, files: Sequence[SampleFile]) -> Iterator[_Guess]:
    """The file with the most columns of `table`; else, for viewers and videos, the ids in the file of events."""
    events = () if table == "events" else tuple(_guess("events", files))
    taken = [guess.file for guess in events]
    fitting = [(guessed(table, file.columns), file) for file in files if file not in taken]
    own = [(found, file) for found, file in fitting if set(_ESSENTIAL[table]) <= set(found)]
    if own:
        found, file = max(own, key=lambda pair: len(pair[0]))
        yield _Guess(table, file, found)
    elif table in ("viewers", "videos"):
        for guess in events:
            yield _Guess(table, guess.file, guessed(table, guess.file.columns), is_derived=True)


def _own(guesses: Sequence[_Guess]) -> list[_Guess]:
    """One guess for each file, that of events first."""
    first = {guess.file.path: guess for guess in reversed(guesses)}
    return sorted(first.values(), key=lambda guess: guesses.index(guess))


def _name(guess: _Guess) -> str:
    stem = re.sub("[^a-z0-9]+", "_", guess.file.path.name.split(".")[0].lower()).strip("_")
    return stem if stem and not stem[0].isdigit() else f"input_{stem}"


def _viewers(guesses: Sequence[_Guess]) -> Iterator[str]:
    names = sorted({guess.columns["viewer_id"] for guess in guesses if "viewer_id" in guess.columns})
    if names:
        yield f"viewer_columns: {json.dumps(names)}  # all columns with viewers' ids, for ingest.hash_viewer_ids"


def _input(folder: Path, guess: _Guess) -> Iterator[str]:
    file = guess.file
    yield f"  {_name(guess)}:"
    yield f"    files: {_text(file.path.relative_to(folder).as_posix())}  # patterns such as log_*.csv are allowed"
    if file.separator not in (None, ","):
        yield f"    separator: {json.dumps(file.separator)}"
    if guess.table == "events":
        yield f"    time: {_how('event_ts', guess)}  # makes event_time and event_day for expressions"


def _table(guess: _Guess) -> Iterator[str]:
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
            yield from _column(guess, column.name, column.nullable, column.description)


def _column(guess: _Guess, name: str, nullable: bool, description: str) -> Iterator[str]:
    if name in guess.columns:
        how = _how(name, guess)
        values = dict.fromkeys(quoted(value, _EXAMPLE_LENGTH) for value in guess.file.columns[guess.columns[name]])
        yield f"      {name}: {how}  # such as {', '.join(list(values)[:_EXAMPLES]) or 'nothing: it is empty'}"
    elif name == "event_id":
        parts = [guess.columns[key] for key in ("viewer_id", "video_id", "event_ts")]
        yield f"      event_id: {{joined: {json.dumps(parts)}}}  # not in the files"
    elif (guess.table, name) == ("ad_revenue", "date"):
        yield "      date: {sql: ingest_day}  # not in the files: all revenue is of the day that is ingested"
    elif name in _CONSTANTS:
        value, meaning = _CONSTANTS[name]
        yield f"      {name}: {{value: {json.dumps(value)}}}  # {meaning}"
    elif not nullable:
        yield f"      # {name}:  # FILL IN: no column looks like it. {description}."


def _how(name: str, guess: _Guess) -> str:
    """The YAML of a column that was found in the files."""
    column, values = guess.columns[name], guess.file.columns[guess.columns[name]]
    changes = _changes(name, column, values)
    is_key = name in ("viewer_id", "video_id")
    if guess.is_derived and not is_key:
        return f"{{sql: {json.dumps(_aggregate(name, column, changes))}}}"
    return f"{{column: {_text(column)}, {', '.join(changes)}}}" if changes else _text(column)


def _aggregate(name: str, column: str, changes: Sequence[str]) -> str:
    """SQL for one value of a column that has a value in each record of the log."""
    if name == "length_ms":
        factor = next((change.removeprefix("multiply: ") for change in changes if "multiply" in change), "1")
        return f"CAST(round(max(try_cast(`{column}` AS DOUBLE)) * {factor}) AS BIGINT)"
    unit = next((change.removeprefix("epoch: ") for change in changes if "epoch" in change), None)
    return f"max(`{column}`)" if unit is None else f"{_MOMENTS[unit]}(max(try_cast(`{column}` AS BIGINT)))"


def _changes(name: str, column: str, values: Sequence[str]) -> list[str]:
    if name in ("event_ts", "published_at", "valid_from") and (unit := epoch_unit(values)):
        return [f"epoch: {unit}"]
    if name in ("watch_ms", "length_ms") and (factor := factor_to_ms(column, values)) > 1:
        return [f"multiply: {factor}", "round: true"]
    if name == "revenue_micros" and "micro" not in column.lower():
        return ["multiply: 1000000"]
    return []


def _missing(table: str) -> Iterator[str]:
    columns = ", ".join(load_contract(table).column_names)
    yield f"  # {table}: no file looks like it. Map it here, or put {table}.csv beside the logs, with the columns"
    yield f"  # {columns}"


def _text(value: str) -> str:
    """`value` as YAML text."""
    return value if re.fullmatch(r"[A-Za-z_][\w/.]*", value) and value.lower() not in _YAML_WORDS else json.dumps(value)


_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
