"""The native layout: a folder with a file or folder for each table, in Parquet, JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.contracts.conformance import converted_types, delivered_name, with_delivered
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
from creatorpool.ingest.reading import Reading, StagedText
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
    is_text = files.format in (JSON_LINES, CSV)
    if is_text:
        staged = (_stage_json_files if files.format == JSON_LINES else _stage_csv_files)(reading, files, contract)
        typed, parts = _staged_parts(reading, staged, contract)
    else:
        typed, parts = [], parquet_parts(reading, files, contract)
    optional, every = optional_columns(contract), [*typed, *parts]
    absent = tuple(name for name in optional if any(name not in part.columns for part in every))
    if any(name in part.columns for name in absent for part in every):
        raise InputError(
            f"{contract.name}: columns {list(absent)} must be in all files of {files.place} or in none of them"
        )
    folder = reading.staging / f"{contract.name}-converted" if is_text else None
    return Delivery(contract.name, tuple(parts), typed=tuple(typed), absent=absent, is_text=is_text, staging=folder)


StagedFiles: TypeAlias = Mapping[tuple[str, ...], Sequence[StagedText]]
"""The staged copies of a table's files, by the columns that they have"""


def _staged_parts(reading: Reading, staged: StagedFiles, contract: Contract) -> tuple[list[DataFrame], list[DataFrame]]:
    """The records that have the contract's types, and those that are text, both with their delivered text.

    `raw_row` is NULL where the columns are the whole record. It takes more time than all else, and only the few broken
    records are shown, so it is made later.
    """
    typed, text = list[DataFrame](), list[DataFrame]()
    for names, places in staged.items():
        copies = map(delivered_name, converted_types(contract, names))
        if plain := [place.plain for place in places if place.plain is not None]:
            typed.append(reading.parquet(plain).select(*names, *copies, RAW_ROW))
        if others := [place.text for place in places if place.text is not None]:
            text.append(with_delivered(reading.parquet(others).select(*names, RAW_ROW), contract))
    return typed, text


def _stage_json_files(reading: Reading, files: TableFiles, contract: Contract) -> StagedFiles:
    names, settings = contract.column_names, reading.settings
    staged, keys = [], set[str]()
    for position, path in enumerate(files.paths):
        with opened(path, files.table, settings.max_file_bytes) as stream:
            file = JsonFile(stream, names, settings.max_row_bytes, settings.max_row_keys)
            staged.append(reading.stage_plain(file.records(), names, contract, f"{files.table}-{position}.parquet"))
        keys |= file.keys
    if keys:
        # JSON may leave out null values, so only a required column can be recognised as missing.
        nullable = [column.name for column in contract.columns if column.nullable]
        may_lack = [*optional_columns(contract), *nullable]
        require_columns(sorted(keys), contract, files.place, may_lack, quote=reading.may_quote)
    return {tuple(name for name in names if name in keys or name not in optional_columns(contract)): staged}


def _stage_csv_files(reading: Reading, files: TableFiles, contract: Contract) -> StagedFiles:
    staged: dict[tuple[str, ...], list[StagedText]] = {}
    for position, path in enumerate(files.paths):
        found = _stage_csv(reading, path, contract, f"{files.table}-{position}.parquet")
        if found is not None:
            staged.setdefault(found[0], []).append(found[1])
    if not staged:
        names = tuple(needed_columns(contract))
        staged[names] = [reading.stage_plain([], names, contract, f"{files.table}.parquet")]
    return staged


def _stage_csv(
    reading: Reading, path: Place, contract: Contract, target: str
) -> tuple[tuple[str, ...], StagedText] | None:
    """The columns of a CSV file and its staged copies; None for an empty file, which has no column names."""
    settings = reading.settings
    with opened(path, contract.name, settings.max_file_bytes) as stream:
        file = CsvFile(stream, max_header_bytes=settings.max_header_bytes)
        if not file.names:
            return None
        require_columns(file.names, contract, path, optional_columns(contract), quote=reading.may_quote)
        names = tuple(name for name in contract.column_names if name in file.names)
        records = file.records(settings.max_row_bytes, quote=reading.may_quote)
        return names, reading.stage_plain(records, names, contract, target)
