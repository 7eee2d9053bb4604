"""The native layout: a folder with a file or folder for each table, in Parquet, JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from creatorpool.contracts import Contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import (
    CSV,
    JSON_LINES,
    Delivery,
    TableFiles,
    optional_columns,
    read_header,
    require_columns,
)
from creatorpool.ingest.parquet_files import checked_parquet_files
from creatorpool.ingest.text_lines import column_names, csv_columns, json_columns, json_keys


def read_native(session: SparkSession, files: TableFiles, contract: Contract, staging: Path) -> Delivery:
    """The rows of `files` as delivered.

    Raises
    ------
    InputError
        Naming file, table, what was expected and what was there: an unreadable file, a missing or extra column, a type
        from which the contract's cannot be had.
    """
    read = {JSON_LINES: _read_json, CSV: _read_csv}.get(files.format)
    parts = read(session, files, contract) if read else _read_parquet(session, files, contract, staging)
    optional = optional_columns(contract)
    absent = tuple(name for name in optional if any(name not in part.columns for part in parts))
    if any(name in part.columns for name in absent for part in parts):
        raise InputError(f"{contract.name}: column {absent} must be in all files of {files.paths[0].parent} or in none")
    return Delivery(contract.name, tuple(parts), absent, is_text=read is not None)


def _read_parquet(session: SparkSession, files: TableFiles, contract: Contract, staging: Path) -> list[DataFrame]:
    groups = checked_parquet_files(files, contract, staging)
    return [session.read.parquet(*map(str, paths)) for paths in groups]


def _read_json(session: SparkSession, files: TableFiles, contract: Contract) -> list[DataFrame]:
    lines = _lines(session, files.paths)
    keys = sorted(row["key"] for row in json_keys(lines).collect())
    # JSON leaves out what is null, so only a column that may not be null can be missed.
    nullable = [column.name for column in contract.columns if column.nullable]
    require_columns(keys, contract, files.paths[0].parent, [*optional_columns(contract), *nullable])
    names = [name for name in contract.column_names if name in keys or name in nullable]
    return [json_columns(lines, contract, names)]


def _read_csv(session: SparkSession, files: TableFiles, contract: Contract) -> list[DataFrame]:
    by_header: dict[str, list[Path]] = {}
    for path in files.paths:
        by_header.setdefault(read_header(path, contract.name), []).append(path)
    parts = []
    for header, paths in by_header.items():
        names = column_names(header)
        require_columns(names, contract, paths[0], optional_columns(contract))
        parts.append(csv_columns(_lines(session, paths), contract, header, names))
    return parts


def _lines(session: SparkSession, paths: Sequence[Path]) -> DataFrame:
    return session.read.text([str(path) for path in paths])
