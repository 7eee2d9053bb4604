"""Answers a query in SQL over the published days."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from creatorpool.contracts import load_contracts
from creatorpool.errors import InputError
from creatorpool.quoting import quoted
from creatorpool.runs.published_rows import published_rows
from creatorpool.session import SQL_ERRORS
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class QueryRows:
    """The rows of a query, and whether there are more than were asked for."""

    rows: pa.Table
    is_cut: bool


def query_rows(warehouse: Warehouse, sql: str, most: int | None = None) -> QueryRows:
    """The rows, at most `most`, that `sql` gives; each table is known by its name and shows published days only.

    Raises
    ------
    InputError
        If the engine cannot run the query; the message has the engine's reason.
    """
    session = warehouse.session
    if session is None:
        raise RuntimeError("a query needs an engine")
    for table in load_contracts():
        if warehouse.exists(table):
            published_rows(warehouse, table).createOrReplaceTempView(table)
    try:
        rows = _rows_of(session, sql, most)
    except SQL_ERRORS as error:
        reason = quoted(str(error).strip().splitlines()[0], 400)
        raise InputError(
            f'the query cannot be run: {reason}; `creatorpool query "SHOW TABLES"` lists the tables, and '
            f"docs/tables.md their columns"
        ) from error
    is_cut = most is not None and rows.num_rows > most
    return QueryRows(rows.slice(0, most) if is_cut else rows, is_cut)


def _rows_of(session: SparkSession, sql: str, most: int | None) -> pa.Table:
    rows = session.sql(sql)
    return (rows if most is None else rows.limit(most + 1)).toArrow()
