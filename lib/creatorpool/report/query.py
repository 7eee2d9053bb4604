"""Answers a query in SQL over the published days."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from creatorpool.contracts import load_contracts
from creatorpool.errors import InputError, RunInProgressError
from creatorpool.quoting import quoted
from creatorpool.runs.ledger import published_runs
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.published_rows import published_rows
from creatorpool.session import SQL_ERRORS
from creatorpool.tables import Warehouse

_ATTEMPTS = 5


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
    RunInProgressError
        If other runs publish all the time while the tables are opened.
    """
    session = warehouse.session
    if session is None:
        raise RuntimeError("a query needs an engine")
    _show_tables(warehouse)
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


def _show_tables(warehouse: Warehouse) -> None:
    """Make a view of each table, all as they are published at one moment.

    Each view reads the ledgers for itself. If a run has published something in between, the views are made again, so
    that no query reads scores of one generation and payouts of another.
    """
    before = _publications(warehouse)
    for _ in range(_ATTEMPTS):
        for table in load_contracts():
            if warehouse.exists(table):
                published_rows(warehouse, table).createOrReplaceTempView(table)
        if (after := _publications(warehouse)) == before:
            return
        before = after
    raise RunInProgressError("other runs published while the tables were opened: run the query again when they end")


def _publications(warehouse: Warehouse) -> set[tuple[object, ...]]:
    """Every publication of a pool or a stage that the ledgers name now."""
    pools = {(pool.day, pool.category, pool.run_id) for pool in every_published_pool(warehouse)}
    return pools | {(run.day, run.stage, run.run_id, run.sequence) for run in published_runs(warehouse)}


def _rows_of(session: SparkSession, sql: str, most: int | None) -> pa.Table:
    rows = session.sql(sql)
    return (rows if most is None else rows.limit(most + 1)).toArrow()
