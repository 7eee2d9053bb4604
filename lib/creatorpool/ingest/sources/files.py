"""Reads the files of one input of a mapping: every record, with the whole record in `raw_row`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.row_rules import RAW_ROW, row_as_json
from creatorpool.errors import InputError
from creatorpool.frames import union_all
from creatorpool.ingest.byte_stream import opened
from creatorpool.ingest.csv_records import CsvFile
from creatorpool.ingest.json_records import JsonFile
from creatorpool.ingest.parquet_files import parquet_schema, plain_groups
from creatorpool.ingest.reading import Reading, plain_writer
from creatorpool.ingest.records import Records
from creatorpool.ingest.sources.columns import named
from creatorpool.ingest.sources.mapping import EVENT_DAY, EVENT_TIME, INGEST_DAY, INPUT_FILE, InputMapping
from creatorpool.quoting import shortened_list
from creatorpool.spelling import did_you_mean
from creatorpool.storage.files import parquet_file
from creatorpool.storage.places import Place, engine_path

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
"""How files are read, by the end of their name"""

_RESERVED = {RAW_ROW, EVENT_TIME, EVENT_DAY, INGEST_DAY}


@dataclass(frozen=True)
class InputRows:
    """All records of an input, and how many they are. They have the files' columns, `raw_row` and `input file`."""

    rows: DataFrame
    number: int
    names: tuple[str, ...]
    """The files' columns; `rows` may have further ones, which are computed"""
    paths: tuple[Place, ...] = ()
    """The files by the numbers that records of text have; engines do not tell the file of records of Parquet"""
    is_cut: bool = False
    """A file may have more records than were read of it"""
    unseen: frozenset[str] = frozenset()
    """Columns that the mapping may use and no record of JSON lines has; they are NULL"""


@dataclass(frozen=True)
class InputFiles:
    """One input of a mapping and its files; `needed` are the words that may be columns which the mapping uses."""

    name: str
    given: InputMapping
    needed: Collection[str]
    paths: tuple[Place, ...]
    limit: int | None = None
    """Read only so many records of each file"""

    @property
    def place(self) -> str:
        """The input's name, for messages."""
        return f"input '{self.name}'"


@dataclass(frozen=True)
class _Part:
    """Files with the same columns."""

    label: str
    rows: DataFrame
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    """Of records that were read, by file"""


def input_paths(source: Place, name: str, given: InputMapping) -> tuple[Place, ...]:
    """The files of an input in folder `source`, sorted; a Delta table counts as one file.

    Raises
    ------
    InputError
        If `source` is not a folder, or no file matches and the input is not optional.
    """
    if not source.is_dir():
        raise InputError(f"source {source} is not a folder")
    matches = {path for pattern in given.files for path in source.glob(pattern) if path.name[0] not in "._"}
    found = sorted(path for path in matches if path.is_file() or given.format == "delta")
    if not found and not given.optional:
        present = shortened_list(sorted(entry.name for entry in source.iterdir()))
        raise InputError(f"input '{name}': no file of {source} matches {', '.join(given.files)}; it has {present}")
    return tuple(found)


def read_input(reading: Reading, files: InputFiles) -> InputRows:
    """All records of an input.

    A column that some files lack is NULL there if it is optional. An optional input without files has no rows.

    Raises
    ------
    InputError
        If a file cannot be read, gives a column twice, or lacks a column that the mapping uses and other files have;
        if all files are empty and the input is not optional.
    """
    parts = [*_text(reading, files), *_parquet(reading, files), *_delta(reading, files)]
    if not (parts or files.given.optional) and all(_is_empty(path, files, reading) for path in files.paths):
        empty = shortened_list(path.name for path in files.paths)
        raise InputError(f"{files.place}: {empty} is empty: it has no names of columns and no records")
    known = {name.lower() for part in parts for name in part.names}
    frames = [_completed(part, files, known) for part in parts] or [_without_rows(reading, files)]
    # Only columns that no expression uses may differ.
    shared = set.intersection(*(set(frame.columns) for frame in frames))
    same = [frame.select(*(named(name) for name in frame.columns if name in shared)) for frame in frames]
    rows = union_all(same)
    names = tuple(name for name in rows.columns if name not in (RAW_ROW, INPUT_FILE))
    numbers = [number for part in parts for number in part.numbers]
    return InputRows(
        rows,
        sum(numbers),
        names,
        files.paths,
        is_cut=max(numbers, default=0) >= (files.limit or math.inf),
        unseen=frozenset(name for name in names if parts and name.lower() not in known)
        - {*files.given.optional_columns},
    )


def _is_empty(path: Place, files: InputFiles, reading: Reading) -> bool:
    with opened(path, files.place, reading.settings.max_file_bytes) as stream:
        return not stream.read()


def file_format(path: Place, files: InputFiles) -> str:
    """How a file is read: as its input says, else by its suffix; InputError if the suffix is unknown."""
    stem = PurePosixPath(path.stem) if path.suffix == ".gz" else path
    found = files.given.format or FORMATS.get(stem.suffix)
    if found is None:
        raise InputError(
            f"{files.place}: {path} has an unknown format: its name must end in {', '.join(FORMATS)} (text also in "
            f".gz), or the input must say `format`"
        )
    return found


def separator(path: Place, given: InputMapping) -> str:
    """The separator of a CSV file: as its input says, else a tab in .tsv files and a comma in others."""
    return given.separator or ("\t" if ".tsv" in path.suffixes else ",")


def _text(reading: Reading, files: InputFiles) -> Iterator[_Part]:
    staged: dict[tuple[str, ...], list[Place]] = {}
    for kind, stage in (("csv", _stage_csv), ("jsonl", _stage_json)):
        for path in _of_format(files, kind):
            target = f"{files.name}-{files.paths.index(path)}.parquet"
            if names := stage(reading, files, path, target):
                staged.setdefault(names, []).append(reading.staging / target)
    for names, paths in staged.items():
        numbers = tuple(map(_row_number, paths))
        yield _Part(f"a file with columns {list(names)}", reading.staged(paths, names), names, numbers)


def _of_format(files: InputFiles, kind: str) -> list[Place]:
    return [path for path in files.paths if file_format(path, files) == kind]


def _stage_csv(reading: Reading, files: InputFiles, path: Place, target: str) -> tuple[str, ...]:
    settings, given = reading.settings, files.given
    with opened(path, files.place, settings.max_file_bytes) as stream:
        file = CsvFile(
            stream,
            max_header_bytes=settings.max_header_bytes,
            separator=separator(path, given),
            names=given.header,
        )
        # Writers of row numbers leave the name of their column empty.
        file.names = [name or f"column_{position}" for position, name in enumerate(file.names, 1)]
        if not file.names:
            return ()
        _require_names(file.names, files, path, reading)
        is_sample, number = files.limit is not None, files.paths.index(path)
        records = file.records(settings.max_row_bytes, quote=reading.may_quote, in_order=is_sample)
        reading.stage(_first(records, files.limit), file.names, target, {INPUT_FILE: number})
        return tuple(file.names)


def _stage_json(reading: Reading, files: InputFiles, path: Place, target: str) -> tuple[str, ...]:
    settings, names = reading.settings, sorted(files.needed)
    with opened(path, files.place, settings.max_file_bytes) as stream:
        file = JsonFile(stream, names, settings.max_row_bytes, settings.max_row_keys)
        number = files.paths.index(path)
        reading.stage(_first(file.records(), files.limit), names, target, {INPUT_FILE: number})
        found = tuple(name for name in names if name in file.keys)
        _require_names(found, files, path, reading)
        return found


def _first(records: Iterable[Records], limit: int | None) -> Iterator[Records]:
    """The records, or about the first `limit` of them, with their share of unreadable ones.

    Unreadable records come after the readable ones of their part of the file, so the part is cut in proportion.
    """
    if limit is None:
        yield from records
        return
    left = limit
    for part in _file_parts(records):
        share = min(1.0, left / max(1, sum(found.batch.num_rows for found in part)))
        for found in part:
            kept = found.batch.slice(0, round(share * found.batch.num_rows))
            left -= kept.num_rows
            yield Records(kept, is_readable=found.is_readable)
        if left <= 0 or share < 1:
            return


def _file_parts(records: Iterable[Records]) -> Iterator[list[Records]]:
    """Readable records, each time with the unreadable ones that follow them."""
    part: list[Records] = []
    for found in records:
        if found.is_readable and part:
            yield part
            part = []
        part.append(found)
    if part:
        yield part


def _parquet(reading: Reading, files: InputFiles) -> Iterator[_Part]:
    paths = _of_format(files, "parquet")
    given = [path if files.limit is None else _head(reading, files, path, files.limit) for path in paths]
    schemas = {path: parquet_schema(path, files.place) for path in given}
    for path, found in schemas.items():
        _require_names(found.names, files, path, reading)
    for is_copy, group in plain_groups(reading, files.name, schemas):
        schema = parquet_schema(group[0], files.place)
        rows = _signed(reading.parquet(group), schema)
        hashed = rows if is_copy or reading.pseudonyms is None else reading.pseudonyms.frame(rows)
        yield _with_raw_row(str(group[0]), hashed, tuple(map(_row_number, group)))


def _row_number(path: Place) -> int:
    with parquet_file(path) as file:
        return int(file.metadata.num_rows)


def _signed(rows: DataFrame, schema: pa.Schema) -> DataFrame:
    """`rows` with BIGINT for unsigned integers, which only one of the engines has."""
    unsigned = {field.name for field in schema if pa.types.is_unsigned_integer(field.type)}
    signed = {
        name: named(name).cast("bigint").alias(name) if name in unsigned else named(name) for name in rows.columns
    }
    return rows.select(*signed.values()) if unsigned else rows


def _head(reading: Reading, files: InputFiles, path: Place, limit: int) -> Place:
    target = reading.staging / f"{files.name}-{files.paths.index(path)}-head.parquet"
    with parquet_file(path) as file, plain_writer(target, file.schema_arrow) as writer:
        for batch in islice(file.iter_batches(limit), 1):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=file.schema_arrow))
    return target


def _delta(reading: Reading, files: InputFiles) -> Iterator[_Part]:
    for path in _of_format(files, "delta"):
        rows = reading.session.read.format("delta").load(engine_path(path))
        rows = rows if files.limit is None else rows.limit(files.limit)
        _require_names(rows.columns, files, path, reading)
        hashed = rows if reading.pseudonyms is None else reading.pseudonyms.frame(rows)
        yield _with_raw_row(str(path), hashed, (rows.count(),))


def _with_raw_row(label: str, rows: DataFrame, numbers: tuple[int, ...]) -> _Part:
    whole = rows.withColumns({RAW_ROW: row_as_json(rows, rows.columns), INPUT_FILE: _no_file()})
    return _Part(label, whole, tuple(rows.columns), numbers)


def _require_names(names: Sequence[str], files: InputFiles, path: Place, reading: Reading) -> None:
    times = Counter(name.lower() for name in names)
    twice = sorted(name for name, number in times.items() if number > 1)
    if twice or _RESERVED & set(times):
        faults = [*twice, *sorted(_RESERVED & set(times))]
        raise InputError(f"{files.place}: {path}: columns {faults} are given twice or have reserved names: rename them")
    hidden = () if reading.pseudonyms is None else reading.pseudonyms.names
    if other := [name for name in hidden if name not in names and name.lower() in times]:
        raise InputError(f"{files.place}: {path}: viewer_columns must be written as in the file, got {other}")


def _completed(part: _Part, files: InputFiles, known: set[str]) -> DataFrame:
    """The part's rows with NULL in the optional columns that it lacks."""
    own = {name.lower() for name in part.names}
    optional = {name.lower(): name for name in files.given.optional_columns}
    lacking = {word.lower() for word in files.needed if word.lower() in known} - own - set(optional)
    if lacking:
        raise InputError(
            f"{files.place}: {part.label} lacks columns {sorted(lacking)}, which other files of the input have: list "
            f"them under optional_columns if files may lack them"
        )
    added = {name: F.lit(None).cast("string") for lower, name in optional.items() if lower not in own}
    return part.rows.withColumns(added) if added else part.rows


def _without_rows(reading: Reading, files: InputFiles) -> DataFrame:
    names = [*files.given.optional_columns, RAW_ROW]
    nothing = reading.session.createDataFrame([], ", ".join(f"`{name}` string" for name in names))
    return nothing.withColumn(INPUT_FILE, _no_file())


def _no_file() -> Column:
    return F.lit(None).cast("int")


def require_column(name: str, rows: DataFrame, place: str) -> None:
    """Raise InputError if `rows` has no column `name`."""
    if name.lower() not in {column.lower() for column in rows.columns}:
        known = [column for column in rows.columns if column not in _RESERVED]
        guess = did_you_mean(name, known)
        raise InputError(f"{place}: the files have no column '{name}'{guess or ';'} they have {shortened_list(known)}")
