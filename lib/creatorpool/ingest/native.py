"""The native layout: a folder with a file or folder for each table, in Parquet, JSON lines or CSV."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import opened
from creatorpool.ingest.csv_records import CsvFile
from creatorpool.ingest.delivery import (
    CSV,
    JSON_LINES,
    Delivery,
    TableFiles,
    optional_columns,
    require_columns,
)
from creatorpool.ingest.json_records import JsonFile
from creatorpool.ingest.parquet_files import parquet_parts
from creatorpool.ingest.reading import Reading


def read_native(reading: Reading, files: TableFiles, contract: Contract) -> Delivery:
    """The rows of `files` as delivered, viewers' ids hashed where the reading says so.

    Text is read here, once, and staged: engines disagree on what a record is.

    Raises
    ------
    InputError
        Naming file, table, what was expected and what was there: an unreadable file, a missing or extra column, a type
        from which the contract's cannot be had.
    """
    read = {JSON_LINES: _read_json, CSV: _read_csv}.get(files.format, parquet_parts)
    parts = read(reading, files, contract)
    optional = optional_columns(contract)
    absent = tuple(name for name in optional if any(name not in part.columns for part in parts))
    if any(name in part.columns for name in absent for part in parts):
        raise InputError(f"{contract.name}: column {absent} must be in all files of {files.place} or in none")
    return Delivery(contract.name, tuple(parts), absent, is_text=files.format in (JSON_LINES, CSV))


def _read_json(reading: Reading, files: TableFiles, contract: Contract) -> list[DataFrame]:
    names, settings = contract.column_names, reading.settings
    staged, keys = [], set[str]()
    for position, path in enumerate(files.paths):
        with opened(path, files.table, settings.max_file_bytes) as stream:
            file = JsonFile(stream, names, settings.max_row_bytes, settings.max_row_keys)
            staged.append(reading.stage(file.records(), names, f"{files.table}-{position}.parquet"))
        keys |= file.keys
    if keys:
        # JSON leaves out what is null, so only a column that may not be null can be missed.
        nullable = [column.name for column in contract.columns if column.nullable]
        may_lack = [*optional_columns(contract), *nullable]
        require_columns(sorted(keys), contract, files.place, may_lack, quote=reading.may_quote)
    kept = [name for name in names if name in keys or name not in optional_columns(contract)]
    return [reading.staged(staged, kept).select(*kept, RAW_ROW)]


def _read_csv(reading: Reading, files: TableFiles, contract: Contract) -> list[DataFrame]:
    staged: dict[tuple[str, ...], list[Path]] = {}
    for position, path in enumerate(files.paths):
        found = _stage_csv(reading, path, contract, f"{files.table}-{position}.parquet")
        if found is not None:
            staged.setdefault(found[0], []).append(found[1])
    if not staged:
        names = tuple(name for name in contract.column_names if name not in optional_columns(contract))
        staged[names] = [reading.stage([], names, f"{files.table}.parquet")]
    return [reading.staged(paths, names) for names, paths in staged.items()]


def _stage_csv(reading: Reading, path: Path, contract: Contract, target: str) -> tuple[tuple[str, ...], Path] | None:
    """The columns of a CSV file and its staged copy; None for a file without a byte, which says nothing of columns."""
    settings = reading.settings
    with opened(path, contract.name, settings.max_file_bytes) as stream:
        file = CsvFile(stream, max_header_bytes=settings.max_header_bytes)
        if not file.names:
            return None
        require_columns(file.names, contract, path, optional_columns(contract), quote=reading.may_quote)
        names = tuple(name for name in contract.column_names if name in file.names)
        records = file.records(settings.max_row_bytes, quote=reading.may_quote)
        return names, reading.stage(records, names, target)
