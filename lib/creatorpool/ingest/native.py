"""The native layout: a folder with a file or folder for each table, in Parquet, JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

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
        raise InputError(f"{contract.name}: column {absent} must be in all files of {_place(files)} or in none")
    return Delivery(contract.name, tuple(parts), absent, is_text=read is not None)


def _read_parquet(session: SparkSession, files: TableFiles, contract: Contract, staging: Path) -> list[DataFrame]:
    groups = checked_parquet_files(files, contract, staging)
    return [session.read.parquet(*map(str, paths)) for paths in groups]


def _read_json(session: SparkSession, files: TableFiles, contract: Contract) -> list[DataFrame]:
    lines = read_lines(session, files.paths, contract.name)
    keys = sorted(row["key"] for row in json_keys(lines).collect())
    if keys:
        # JSON leaves out what is null, so only a column that may not be null can be missed.
        nullable = [column.name for column in contract.columns if column.nullable]
        require_columns(keys, contract, _place(files), [*optional_columns(contract), *nullable])
    left_out = [name for name in optional_columns(contract) if name not in keys]
    return [json_columns(lines, contract, [name for name in contract.column_names if name not in left_out])]


def _read_csv(session: SparkSession, files: TableFiles, contract: Contract) -> list[DataFrame]:
    by_header: dict[str, list[Path]] = {}
    for path in files.paths:
        by_header.setdefault(read_header(path, contract.name), []).append(path)
    parts = []
    for header, paths in by_header.items():
        names = column_names(header)
        require_columns(names, contract, paths[0], optional_columns(contract))
        parts.append(csv_columns(read_lines(session, paths, contract.name), contract, header, names))
    return parts


def _place(files: TableFiles) -> Path:
    return files.paths[0] if len(files.paths) == 1 else files.paths[0].parent


def read_lines(session: SparkSession, paths: Sequence[Path], table: str) -> DataFrame:
    """Lines of text files, in the column `value`; InputError if one is damaged, such as a cut-off .gz file."""
    lines = session.read.text([str(path) for path in paths])
    try:
        lines.agg(F.max(F.length("value"))).collect()
    except (PySparkException, Py4JError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"{table}: {', '.join(map(str, paths))} cannot be read as text: {reason}") from error
    return lines
