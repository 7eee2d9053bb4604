"""The native layout: a folder with a file or folder for each table, in Parquet, JSON lines or CSV."""

from __future__ import annotations

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.contracts.conformance import with_delivered
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import opened
from creatorpool.ingest.csv_records import CsvFile
from creatorpool.ingest.delivery import (
    CSV,
    JSON_LINES,
    Delivery,
    TableFiles,
    needed_columns,
    optional_columns,
    require_columns,
)
from creatorpool.ingest.json_records import JsonFile
from creatorpool.ingest.parquet_files import parquet_parts
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.steps import log_step
from creatorpool.storage.places import Place


def read_native(reading: Reading, files: TableFiles, contract: Contract) -> Delivery:
    """The rows of `files` as delivered, with viewers' ids hashed if `reading` has pseudonyms.

    Text is read here once, and staged as Parquet, because engines split text into records in different ways.

    Raises
    ------
    InputError
        If a file is unreadable, has a missing or extra column, or a type that cannot become the contract's type; the
        message names table, file, and the expected and delivered columns.
    """
    log_step(files.table, f"reads {files.place}")
    read = {JSON_LINES: _read_json, CSV: _read_csv}.get(files.format, parquet_parts)
    parts = read(reading, files, contract)
    optional = optional_columns(contract)
    absent = tuple(name for name in optional if any(name not in part.columns for part in parts))
    if any(name in part.columns for name in absent for part in parts):
        raise InputError(
            f"{contract.name}: columns {list(absent)} must be in all files of {files.place} or in none of them"
        )
    is_text = files.format in (JSON_LINES, CSV)
    converted = reading.staging / f"{contract.name}-converted" if is_text else None
    return Delivery(contract.name, tuple(parts), absent, is_text, staging=converted)


def _read_json(reading: Reading, files: TableFiles, contract: Contract) -> list[DataFrame]:
    names, settings = contract.column_names, reading.settings
    staged, keys = [], set[str]()
    for position, path in enumerate(files.paths):
        with opened(path, files.table, settings.max_file_bytes) as stream:
            file = JsonFile(stream, names, settings.max_row_bytes, settings.max_row_keys)
            staged.append(reading.stage(file.records(), names, f"{files.table}-{position}.parquet"))
        keys |= file.keys
    if keys:
        # JSON may leave out null values, so only a required column can be recognised as missing.
        nullable = [column.name for column in contract.columns if column.nullable]
        may_lack = [*optional_columns(contract), *nullable]
        require_columns(sorted(keys), contract, files.place, may_lack, quote=reading.may_quote)
    kept = [name for name in names if name in keys or name not in optional_columns(contract)]
    return [reading.staged(staged, kept).select(*kept, RAW_ROW)]


def _read_csv(reading: Reading, files: TableFiles, contract: Contract) -> list[DataFrame]:
    staged: dict[tuple[str, ...], list[Place]] = {}
    for position, path in enumerate(files.paths):
        found = _stage_csv(reading, path, contract, f"{files.table}-{position}.parquet")
        if found is not None:
            staged.setdefault(found[0], []).append(found[1])
    if not staged:
        names = tuple(needed_columns(contract))
        staged[names] = [reading.stage([], names, f"{files.table}.parquet")]
    # As JSON the whole record takes more time than all else, and only the few broken records are shown.
    return [with_delivered(reading.parquet(paths).select(*names, RAW_ROW), contract) for names, paths in staged.items()]


def _stage_csv(reading: Reading, path: Place, contract: Contract, target: str) -> tuple[tuple[str, ...], Place] | None:
    """The columns of a CSV file and its staged copy; None for an empty file, which has no column names."""
    settings = reading.settings
    with opened(path, contract.name, settings.max_file_bytes) as stream:
        file = CsvFile(stream, max_header_bytes=settings.max_header_bytes)
        if not file.names:
            return None
        require_columns(file.names, contract, path, optional_columns(contract), quote=reading.may_quote)
        names = tuple(name for name in contract.column_names if name in file.names)
        records = file.records(settings.max_row_bytes, quote=reading.may_quote)
        return names, reading.stage(records, names, target)
