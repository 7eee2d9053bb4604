"""Checks Parquet deliveries by their footers. A file that an engine would misread is first copied in a plain form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import TableFiles, optional_columns, require_columns
from creatorpool.ingest.reading import Reading, plain_writer
from creatorpool.quoting import quoted
from creatorpool.storage.files import parquet_file
from creatorpool.storage.places import Place

_BATCH_ROWS = 1 << 17


def parquet_parts(reading: Reading, files: TableFiles, contract: Contract) -> list[DataFrame]:
    """The rows of the table's files, one frame per schema; errors as in `checked_parquet_files`.

    If `reading` has pseudonyms, viewers' ids are hashed: in a copy while it is written, otherwise in the frame.
    """
    hashed = reading.pseudonyms
    parts = []
    for is_copy, paths in checked_parquet_files(reading, files, contract):
        rows = reading.parquet(paths)
        parts.append(rows if is_copy or hashed is None else hashed.frame(rows))
    return parts


def checked_parquet_files(reading: Reading, files: TableFiles, contract: Contract) -> list[tuple[bool, list[Place]]]:
    """Groups of the table's files that every engine reads correctly: whether they are copies, and their paths.

    Files of one group have one schema. A file is first copied to the staging folder if it has nanosecond or INT96
    times, dictionary-typed, all-null or unsigned 64-bit columns, or NaN in a column that is otherwise constant. On such
    files engines fail, or wrap times of other centuries; Sail 0.7 reads the constant instead of NaN.

    Raises
    ------
    InputError
        If a file is unreadable, has a missing or extra column, or a type that cannot become the contract's type without
        loss; the message names table, file, and the expected and delivered columns.
    """
    schemas = {path: _schema(path, contract, quote=reading.may_quote) for path in files.paths}
    return plain_groups(reading, files.table, schemas)


def plain_groups(reading: Reading, name: str, schemas: Mapping[Place, pa.Schema]) -> list[tuple[bool, list[Place]]]:
    """Groups of files that every engine reads correctly, as `checked_parquet_files`; copies are named after `name`."""
    groups: dict[tuple[bool, tuple[tuple[str, str], ...]], list[Place]] = {}
    for position, (path, schema) in enumerate(schemas.items()):
        plain = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])
        is_copy = plain.types != schema.types or _hides_nan(path, schema)
        if is_copy:
            path = _plain_copy(path, plain, reading, reading.staging / f"{name}-{position}.parquet")
        fields = tuple((field.name, str(field.type)) for field in plain)
        groups.setdefault((is_copy, fields), []).append(path)
    return [(is_copy, paths) for (is_copy, _), paths in groups.items()]


def parquet_schema(path: Place, name: str) -> pa.Schema:
    """The schema of a Parquet file; InputError, which begins with `name`, if it cannot be read."""
    try:
        with parquet_file(path) as file:
            return file.schema.to_arrow_schema()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{name}: {path} is not a readable Parquet file: {quoted(error)}") from error


def refuse_damaged(files: TableFiles) -> None:
    """Raise InputError for the first of the Parquet `files` whose pages cannot be read; return if there is none."""
    for path in files.paths:
        try:
            with parquet_file(path) as file:
                for _ in file.iter_batches(_BATCH_ROWS):
                    continue
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{files.table}: {path} is damaged: {quoted(error)}") from error


def _schema(path: Place, contract: Contract, *, quote: bool) -> pa.Schema:
    schema = parquet_schema(path, contract.name)
    require_columns(schema.names, contract, path, optional_columns(contract), quote=quote)
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
    """Whether values of type `given` can become `wanted`. A single value that does not fit is a fault of its row."""
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


def _hides_nan(path: Place, schema: pa.Schema) -> bool:
    """Whether statistics show a constant column that also has NaN, which statistics do not count."""
    with parquet_file(path) as file:
        metadata = file.metadata
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
            if len(bounds) == 1 and pc.any(pc.is_nan(file.read(columns=[column.path])[0])).as_py():
                return True
    return False


def _plain_copy(path: Place, schema: pa.Schema, reading: Reading, target: Place) -> Place:
    with plain_writer(target, schema) as writer:
        for batch in _plain_batches(path, schema):
            writer.write_batch(batch if reading.pseudonyms is None else reading.pseudonyms.batch(batch))
    return target


def _plain_batches(path: Place, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    # Read INT96 as microseconds: as nanoseconds, times before 1678 and after 2261 would wrap around.
    with parquet_file(path, coerce_int96_timestamp_unit="us") as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            columns = [_plain(batch.column(field.name), field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    # Tables have microseconds: finer parts of a time are cut off, and the row is not refused.
    return pc.cast(values, options=pc.CastOptions(wanted, allow_time_truncate=True))
