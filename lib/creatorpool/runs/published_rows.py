"""Reads published rows: each day of a table at the version that the ledger names.

The latest version of a table usually has the published rows of all days, so that one read is enough. If a run is
publishing a day, or was killed while publishing it, the latest version may have other rows of it. Such a day is read at
its own version.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import stage_tables
from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import MissingTableError
from creatorpool.frames import MAX_UNIONS, union_all
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.published import published_version, published_versions
from creatorpool.storage.records import arrow_schema
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")


@dataclass(frozen=True)
class _Part:
    """Days to read at one version; `others` are further days that have rows in that version."""

    version: int
    days: frozenset[date]
    others: frozenset[date]

    def condition(self) -> Column:
        """True for rows of `days`. It lists `days` or `others`, whichever is shorter."""
        if len(self.others) < len(self.days):
            return ~F.col("date").isin(sorted(self.others))
        return F.col("date").isin(sorted(self.days))


def published_rows(warehouse: Warehouse, table: str) -> DataFrame:
    """The published rows of `table`; all rows if no stage publishes the table by day, such as the ledgers.

    Raises
    ------
    MissingTableError
        If the table does not exist.
    """
    if table not in stage_tables():
        return warehouse.read(table)
    parts = sorted(_parts(warehouse, table), key=lambda part: len(part.days), reverse=True)
    if not parts:
        return warehouse.read(table).where("false")
    contract = warehouse.contract(table)
    frames = [
        with_new_columns(warehouse.read(table, version=part.version), contract).where(part.condition())
        for part in parts[: MAX_UNIONS - 1]
    ]
    if rest := [warehouse.read_arrow(table, days=part.days, version=part.version) for part in parts[MAX_UNIONS - 1 :]]:
        frames.append(warehouse.arrow_frame(pa.concat_tables(rest), table))
    return union_all(frames)


def published_day(warehouse: Warehouse, table: str, day: date) -> DataFrame | None:
    """The rows of `table` in the version in which `day` is published, or None if it is not."""
    version = published_version(warehouse, table, day)
    if version is None:
        return None
    return with_new_columns(warehouse.read(table, day=day, version=version), warehouse.contract(table))


def require_published_day(warehouse: Warehouse, table: str, day: date) -> DataFrame:
    """The same rows; MissingTableError if `day` is not published."""
    rows = published_day(warehouse, table, day)
    if rows is None:
        raise MissingTableError(f"{table} of {day} is not published under {warehouse.root}")
    return rows


def published_arrow(
    warehouse: Warehouse, table: str, days: Collection[date] | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """The same rows as an Arrow table, of `days` (default: of all days) and `columns` (all); no engine is needed.

    Without `days`, days whose files are missing or damaged are left out, with a warning for each.

    Raises
    ------
    MissingTableError
        If one of `days` is published and cannot be read.
    """
    if table not in stage_tables():
        return warehouse.read_arrow(table, columns)
    empty = arrow_schema(warehouse.contract(table)).empty_table()
    names = list(columns or empty.column_names)
    found: list[pa.Table] = []
    for part in _parts(warehouse, table):
        wanted = part.days if days is None else part.days & set(days)
        found += _readable(warehouse, table, part.version, wanted, names, is_asked=days is not None)
    return pa.concat_tables([empty.select(names), *found])


def _readable(
    warehouse: Warehouse, table: str, version: int, days: Collection[date], columns: Sequence[str], *, is_asked: bool
) -> Iterator[pa.Table]:
    if not days:
        return
    try:
        yield warehouse.read_arrow(table, columns, days=days, version=version)
    except MissingTableError as error:
        if is_asked:
            raise
        if len(days) == 1:
            logger.warning("%s of %s is left out: %s", table, *days, error)
            return
        for day in sorted(days):
            yield from _readable(warehouse, table, version, [day], columns, is_asked=False)


def _parts(warehouse: Warehouse, table: str) -> Iterator[_Part]:
    """The published days of `table` by the version to read them in."""
    if not warehouse.exists(table):
        return
    # Read the table's version before the ledger: a day published in between is read at the version in the ledger.
    latest = warehouse.version(table)
    published = published_versions(warehouse, table)
    if not published:
        return
    changes = warehouse.changes(table, min(published.values()) + 1, latest)
    by_version: dict[int, set[date]] = {}
    for day, version in published.items():
        is_in_latest = version <= latest and not changes.since(day, version)
        by_version.setdefault(latest if is_in_latest else version, set()).add(day)
    for version, days in sorted(by_version.items()):
        yield _Part(version, frozenset(days), frozenset(warehouse.stored_days(table, version) - days))


def last_paid_before(warehouse: Warehouse, day: date) -> date | None:
    """The last day before `day` with published payouts, or None."""
    return max((pool.day for pool in every_published_pool(warehouse) if pool.day < day), default=None)
