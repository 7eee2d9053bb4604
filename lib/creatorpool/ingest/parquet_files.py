"""Parquet deliveries, checked by their footers; a file that an engine would misread is copied in a plain form first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creatorpool.contracts import Contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import TableFiles, optional_columns, require_columns

_BATCH_ROWS = 1 << 17


def checked_parquet_files(files: TableFiles, contract: Contract, staging: Path) -> list[list[Path]]:
    """Paths of the table's files, grouped by schema, each plain enough for every engine.

    A file with nanosecond times, dictionary-typed, all-null or unsigned 64-bit columns, or with NaN in a column that is
    constant otherwise, is copied to `staging` first: engines fail on the former, and Sail 0.7 reads the constant where
    the NaN is.

    Raises
    ------
    InputError
        Naming file, table, what was expected and what was there: unreadable file, missing or extra column, a type from
        which the contract's cannot be had without loss.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for position, path in enumerate(files.paths):
        schema = _schema(path, contract)
        plain = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])
        kept = path
        if plain.types != schema.types or _hides_nan(path, schema):
            kept = _plain_copy(path, plain, staging / f"{files.table}-{position}.parquet")
        groups.setdefault(tuple((field.name, str(field.type)) for field in plain), []).append(kept)
    return list(groups.values())


def _schema(path: Path, contract: Contract) -> pa.Schema:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{contract.name}: {path} is not a readable Parquet file: {error}") from error
    require_columns(schema.names, contract, path, optional_columns(contract))
    wrong = [
        f"{field.name} {field.type} (contract {contract.column(field.name).type})"
        for field in schema
        if not _can_hold(contract.column(field.name).type, field.type)
    ]
    if wrong:
        expected = [f"{column.name} {column.type}" for column in contract.columns]
        raise InputError(f"{contract.name}: {path}: wrong type: {', '.join(wrong)}; expected {expected}")
    return schema


def _can_hold(wanted: str, given: pa.DataType) -> bool:
    """Whether values of `given` can become `wanted`, each on its own: one that does not fit is a fault of its row."""
    types = pa.types
    is_text = _is_text(given)
    is_number = types.is_integer(given) or types.is_floating(given) or types.is_decimal(given)
    fits = {
        "STRING": is_text,
        "BIGINT": is_number,
        "INT": is_number,
        "DOUBLE": is_number,
        "BOOLEAN": types.is_boolean(given) or types.is_integer(given),
        "DATE": types.is_date32(given) or is_text,
        "TIMESTAMP": types.is_timestamp(given) or is_text,
        "ARRAY<STRING>": _is_list(given) and (_is_text(given.value_type) or types.is_null(given.value_type)),
    }
    return bool(fits[wanted] or types.is_null(given))


def _plain_type(given: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_timestamp(given) and given.unit == "ns":
        return pa.timestamp("us", given.tz)
    if types.is_null(given) or (types.is_dictionary(given) and _is_text(given)):
        return pa.string()
    if types.is_uint64(given):
        return pa.decimal128(20, 0)
    if types.is_float16(given):
        return pa.float32()
    if _is_list(given) and (types.is_null(given.value_type) or types.is_dictionary(given.value_type)):
        return pa.list_(pa.string())
    return given


def _is_text(given: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(given):
        return _is_text(given.value_type)
    return bool(types.is_string(given) or types.is_large_string(given) or types.is_string_view(given))


def _is_list(given: pa.DataType) -> bool:
    return bool(pa.types.is_list(given) or pa.types.is_large_list(given))


def _hides_nan(path: Path, schema: pa.Schema) -> bool:
    """Whether a column's statistics say it is constant although it has NaN, which statistics leave out."""
    metadata = pq.read_metadata(path)
    for index in range(metadata.num_columns):
        column = metadata.schema.column(index)
        if column.path not in schema.names or not pa.types.is_floating(schema.field(column.path).type):
            continue
        bounds = {
            bound
            for group in range(metadata.num_row_groups)
            if (statistics := metadata.row_group(group).column(index).statistics) and statistics.has_min_max
            for bound in (statistics.min, statistics.max)
        }
        if len(bounds) == 1 and pc.any(pc.is_nan(pq.read_table(path, columns=[column.path])[0])).as_py():
            return True
    return False


def _plain_copy(path: Path, schema: pa.Schema, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without statistics no engine can infer a constant, and without the Arrow schema none restores the former types.
    with pq.ParquetWriter(target, schema, write_statistics=False, store_schema=False) as writer:
        for batch in _plain_batches(path, schema):
            writer.write_batch(batch)
    return target


def _plain_batches(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
        columns = [_plain(batch.column(field.name), field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    # A table keeps microseconds: what a log has beyond them is cut off, not a reason to refuse it.
    return pc.cast(values, options=pc.CastOptions(wanted, allow_time_truncate=True))
