"""A day's delivery on disk: which files carry which table, and what can be told of them before any row is read."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.errors import InputError

REQUIRED_TABLES = ("ad_revenue", "viewers", "videos", "events")
OPTIONAL_TABLES = ("creators", "entrants", "content_exposure", "drawer_positions", "delivery_guarantees")

PARQUET, JSON_LINES, CSV = "parquet", "jsonl", "csv"
_FORMAT_BY_SUFFIX = {".parquet": PARQUET, ".jsonl": JSON_LINES, ".json": JSON_LINES, ".csv": CSV}
# Engines read these as patterns, and a pattern that matches nothing as an empty table.
_PATTERN_SIGNS = set("*?[]{}")


@dataclass(frozen=True)
class Delivery:
    """One table as it was delivered.

    Each frame of `parts` has the contract's columns but those in `absent`, in its own types, or as text (`is_text`)
    with the line itself in `raw_row`. `other_day` rows were left out already.
    """

    table: str
    parts: tuple[DataFrame, ...]
    absent: tuple[str, ...] = ()
    is_text: bool = False
    other_day: int = 0


@dataclass(frozen=True)
class TableFiles:
    """The files of one table, all of one format."""

    table: str
    format: str
    paths: tuple[Path, ...]


def find_files(source: Path, table: str) -> TableFiles | None:
    """The files of `table` in folder `source`, in the order of their names, or None where there are none.

    Raises
    ------
    InputError
        If `source` is no folder, or the table comes twice, empty, in several formats or in an unknown one.
    """
    if not source.is_dir():
        raise InputError(f"source {source} is not a folder")
    entries = [entry for entry in sorted(source.iterdir()) if _names_table(entry, table)]
    if not entries:
        return None
    if len(entries) > 1:
        raise InputError(f"{table}: {source} holds it more than once: {[entry.name for entry in entries]}")
    paths = _visible_files(entries[0]) if entries[0].is_dir() else entries
    formats = {_format_of(path, table) for path in paths}
    if len(formats) != 1:
        raise InputError(f"{table}: {entries[0]} must hold files of one format, got {sorted(formats) or 'no file'}")
    for path in paths:
        if _PATTERN_SIGNS & set(str(path)):
            raise InputError(f"{table}: the path {path} must not contain any of {' '.join(sorted(_PATTERN_SIGNS))}")
    return TableFiles(table, formats.pop(), tuple(paths))


def require_files(source: Path, table: str) -> TableFiles:
    """`find_files`, with an InputError where there are none."""
    files = find_files(source, table)
    if files is None:
        present = sorted(entry.name for entry in source.iterdir())
        raise InputError(
            f"{table}: {source} has no {table}.parquet, .jsonl, .json or .csv (or .gz of these), and no folder "
            f"{table}/; it has {present}"
        )
    return files


def require_columns(got: Sequence[str], contract: Contract, place: Path, optional: Sequence[str] = ()) -> None:
    """InputError, naming both lists, unless a delivery has each column once; it may leave out `optional` ones."""
    expected = list(contract.column_names)
    missing = [name for name in expected if name not in got and name not in optional]
    extra = [name for name in got if name not in expected]
    twice = sorted({name for name in got if list(got).count(name) > 1})
    found = {"missing columns": missing, "columns not in the contract": extra, "columns given twice": twice}
    faults = [f"{kind} {names}" for kind, names in found.items() if names]
    if faults:
        raise InputError(
            f"{contract.name}: {place}: {', '.join(faults)}; expected {expected}"
            f"{f' ({list(optional)} may be left out)' if optional else ''}, got {list(got)}"
        )


def optional_columns(contract: Contract) -> tuple[str, ...]:
    """Columns that a delivery may leave out: the day of an event follows from its time."""
    return ("date",) if contract.name == "events" else ()


def read_header(path: Path, table: str) -> str:
    """First line of a text file, without its line end or byte order mark; InputError for an empty or broken file."""
    open_text = gzip.open if path.suffix == ".gz" else open
    try:
        with open_text(path, "rt", encoding="utf-8-sig") as lines:
            line = lines.readline()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{table}: {path} cannot be read: {error}") from error
    if not line.strip():
        raise InputError(f"{table}: {path} must begin with a line of column names")
    return str(line).rstrip("\r\n")


def _names_table(entry: Path, table: str) -> bool:
    if entry.is_dir():
        return entry.name == table
    stem = entry.name.removesuffix(".gz")
    return any(stem == table + suffix for suffix in _FORMAT_BY_SUFFIX)


def _visible_files(folder: Path) -> list[Path]:
    # Writers leave marks such as _SUCCESS and .crc beside the data; engines skip them too.
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] not in "._"]


def _format_of(path: Path, table: str) -> str:
    is_compressed = path.suffix == ".gz"
    found = _FORMAT_BY_SUFFIX.get(Path(path.stem).suffix if is_compressed else path.suffix)
    if found is None or (is_compressed and found == PARQUET):
        raise InputError(f"{table}: {path} is neither Parquet, nor JSON lines, nor CSV, by its name")
    return found
