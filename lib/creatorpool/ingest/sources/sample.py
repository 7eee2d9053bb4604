"""Reads the columns of sample files, and some of their values as text, without an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import ByteStream, line_blocks, opened
from creatorpool.ingest.csv_records import CsvFile
from creatorpool.ingest.json_records import PLAIN_TEXTS, value_text
from creatorpool.ingest.parquet_files import parquet_schema
from creatorpool.ingest.sources.files import FORMATS
from creatorpool.quoting import quoted
from creatorpool.settings import IngestSettings
from creatorpool.storage.files import parquet_file
from creatorpool.storage.places import Place

_EXAMPLES = 3
_EXAMPLE_LENGTH = 30
_SEPARATORS = ",\t;|"


@dataclass(frozen=True)
class SampleFile:
    """A file with its format, its separator (CSV only), and the first values of each column as text."""

    path: Place
    format: str
    separator: str | None
    columns: Mapping[str, Sequence[str]]


def sample_files(place: Place, settings: IngestSettings, limit: int) -> list[SampleFile]:
    """The files of folder `place`, or the one file `place`, each with at most `limit` records.

    Raises
    ------
    InputError
        If there is no file of a known format, or one cannot be read.
    """
    entries = sorted(path for path in place.glob("**/*") if path.is_file()) if place.is_dir() else [place]
    paths = [path for path in entries if path.name[0] not in "._" and _format(path) is not None]
    if not paths:
        raise InputError(f"{place} has no file whose name ends in {', '.join(FORMATS)} (text also in .gz)")
    return [sample_file(path, settings, limit) for path in paths]


def example_values(values: Sequence[str]) -> str:
    """A few different ones of a column's values, for comments and messages."""
    different = dict.fromkeys(quoted(value, _EXAMPLE_LENGTH) for value in values)
    return ", ".join(list(different)[:_EXAMPLES]) or "nothing: it is empty"


def _format(path: Place) -> str | None:
    return FORMATS.get((PurePosixPath(path.stem) if path.suffix == ".gz" else path).suffix)


def sample_file(path: Place, settings: IngestSettings, limit: int) -> SampleFile:
    """One file of a known format with at most `limit` records; InputError if it cannot be read."""
    kind = str(_format(path))
    if kind == "parquet":
        schema = parquet_schema(path, "sample")
        with parquet_file(path) as file:
            rows = next(file.iter_batches(limit), pa.RecordBatch.from_pylist([], schema=schema))
        return SampleFile(path, kind, None, _values(rows))
    separator = _separator(path, settings) if kind == "csv" else None
    with opened(path, "sample", settings.max_file_bytes) as stream:
        if separator is None:
            return SampleFile(path, kind, None, _json_values(stream, settings, limit))
        file = CsvFile(stream, max_header_bytes=settings.max_header_bytes, separator=separator)
        rows = next((found.batch for found in file.records(settings.max_row_bytes, quote=True)), None)
        columns = dict.fromkeys(file.names, ()) if rows is None else _values(rows.slice(0, limit).select(file.names))
        return SampleFile(path, kind, separator, columns)


def _json_values(stream: ByteStream, settings: IngestSettings, limit: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    lines = (line for block in line_blocks(stream, settings.max_row_bytes) for line in block.split(b"\n") if line)
    for line in islice(lines, limit):
        for name, value in _json_object(line).items():
            text = value_text(value)
            found.setdefault(name, []).extend([] if text is None else [text])
    return found


def _json_object(line: bytes) -> dict[str, Any]:
    """The object of a line; none if the line has no object: a sample shows what most lines are."""
    try:
        value = json.loads(line, **PLAIN_TEXTS)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _separator(path: Place, settings: IngestSettings) -> str:
    """The sign that the first line has most often; a comma if it has none of them."""
    with opened(path, "sample", settings.max_file_bytes) as stream:
        header = stream.read(settings.max_header_bytes).partition(b"\n")[0].decode(errors="replace")
    return max(_SEPARATORS, key=header.count)


def _values(rows: pa.RecordBatch) -> dict[str, list[str]]:
    columns = {name: rows.column(name).to_pylist() for name in rows.schema.names}
    return {name: [_text(v) for v in values if v not in (None, "")] for name, values in columns.items()}


def _text(value: Any) -> str:
    """A value as the engines write it as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
