"""Writes the rows of one day of a delivered table, a few of them without the engine, whose write costs seconds."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import DataFrame

from creatorpool.ingest.validation import ValidatedTable
from creatorpool.tables import Warehouse

_FEW_ROWS = 20_000


def replace_day(warehouse: Warehouse, rows: DataFrame, number: int, table: str, day: date) -> None:
    """Replace the day's rows of `table` by `rows`, whose number is given."""
    if number > _FEW_ROWS:
        warehouse.replace_day(rows, table, day)
        return
    warehouse.ensure(table)
    seen = warehouse.version(table)
    records = rows.toArrow().to_pylist() if number else []
    warehouse.replace_day_records(records, table, day, seen=seen)


def write_quarantine(warehouse: Warehouse, table: ValidatedTable, day: date, ingested_at: datetime) -> None:
    """Replace the day's rows in the quarantine of `table` by the rows that it refuses."""
    name = f"{table.contract.name}_quarantine"
    if table.counts.quarantined or has_rows(warehouse, name, day):
        replace_day(warehouse, table.quarantine(day, ingested_at), table.counts.quarantined, name, day)
    else:
        warehouse.ensure(name)


def clear_day(warehouse: Warehouse, table: str, day: date) -> None:
    """Delete the day's rows of `table`, if there are any."""
    if has_rows(warehouse, table, day):
        warehouse.replace_day_records([], table, day, seen=warehouse.version(table))


def has_rows(warehouse: Warehouse, table: str, day: date) -> bool:
    """Whether `table` exists and has rows of `day`."""
    return warehouse.exists(table) and warehouse.read_arrow(table, ["date"], day=day).num_rows > 0
