"""The rows of a query as text or as a file: a table, records, CSV, JSON lines or Parquet."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from creatorpool.errors import InputError
from creatorpool.quoting import json_line, one_line


def as_text(rows: pa.Table, form: str, width: int | None = None) -> str:
    """`rows` as text in one of the formats but Parquet.

    A table that is wider than `width` characters becomes records: one line per value. None means any width.

    Raises
    ------
    InputError
        If two columns have one name and `form` is JSON, which would lose one of them.
    """
    if form == "table":
        table = _as_table(rows)
        is_wide = width is not None and len(table.partition("\n")[0]) > width
        return _as_records(rows) if is_wide else table
    texts: dict[str, Callable[[pa.Table], str]] = {"records": _as_records, "csv": _as_csv, "json": _as_json}
    return texts[form](rows)


def as_parquet(rows: pa.Table) -> bytes:
    """`rows` as a Parquet file; InputError if two columns have one name."""
    _require_distinct_names(rows)
    out = io.BytesIO()
    pq.write_table(rows, out)
    return out.getvalue()


def _as_table(rows: pa.Table) -> str:
    names = [one_line(name) for name in rows.column_names]
    cells = [[_shown(value) for value in column.to_pylist()] for column in rows.columns]
    widths = [max(map(len, [name, *column])) for name, column in zip(names, cells, strict=True)]
    is_number = [pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in rows.schema.types]
    line = "+" + "".join(f"{'-' * (width + 2)}+" for width in widths)
    body = [_table_line(row, widths, is_number) for row in zip(*cells, strict=True)]
    return "\n".join([line, _table_line(names, widths, is_number), line, *body, line]) + "\n"


def _table_line(cells: Sequence[str], widths: Sequence[int], is_number: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, is_number, strict=True)
    )
    return "".join(f"| {cell} " for cell in padded) + "|"


def _as_records(rows: pa.Table) -> str:
    width = max((len(one_line(name)) for name in rows.column_names), default=0)
    return "\n".join(_record_lines(rows, width)) + "\n"


def _record_lines(rows: pa.Table, width: int) -> Iterator[str]:
    columns = [column.to_pylist() for column in rows.columns]
    for number in range(rows.num_rows):
        yield f"- row {number + 1} -"
        for name, column in zip(rows.column_names, columns, strict=True):
            yield f"{one_line(name):<{width}}  {_shown(column[number])}"


def _shown(value: Any) -> str:
    """A value for people, on one line."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" + (f".{value:%f}".rstrip("0") if value.microsecond else "")
    return json_line(value) if isinstance(value, list | dict | tuple) else one_line(str(value))


def _as_csv(rows: pa.Table) -> str:
    """CSV with a header after RFC 4180; text is in quotes, NULL is an empty field, nested values are JSON."""
    flat = [
        pa.array([None if value is None else json_line(value) for value in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else column
        for column in rows.columns
    ]
    out = io.BytesIO()
    pa_csv.write_csv(pa.table(flat, names=rows.column_names), out)
    return out.getvalue().decode()


def _as_json(rows: pa.Table) -> str:
    """JSON lines: one object per row, in which times, days and numbers that JSON lacks are text."""
    _require_distinct_names(rows)
    return "".join(f"{json_line(_for_json(row))}\n" for row in rows.to_pylist())


def _for_json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_for_json(item) for item in value]
    return {name: _for_json(item) for name, item in value.items()} if isinstance(value, dict) else value


def _require_distinct_names(rows: pa.Table) -> None:
    twice = sorted({name for name in rows.column_names if rows.column_names.count(name) > 1})
    if twice:
        raise InputError(f"two columns of the result are called {', '.join(map(json.dumps, twice))}: name them with AS")
