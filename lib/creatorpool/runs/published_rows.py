"""What is published: each day of a stage's tables, in the version that the ledger names.

The latest version of a table has the published rows of nearly every day, so that one read serves them all. Days of
which it has other rows, because a run is publishing them right now or was killed while it did, are read in their own
version.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import stage_tables
from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import MissingTableError
from creatorpool.frames import MOST_UNIONS, union_all
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.published import published_versions
from creatorpool.storage.records import arrow_schema
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")


@dataclass(frozen=True)
class _Part:
    """Days that are published in one version; `others` are days of which that version has rows, too."""

    version: int
    days: frozenset[date]
    others: frozenset[date]

    def condition(self) -> Column:
        """True for rows of `days`: by naming the fewer days, since days grow with the years."""
        if len(self.others) < len(self.days):
            return ~F.col("date").isin(sorted(self.others))
        return F.col("date").isin(sorted(self.days))


def published_rows(warehouse: Warehouse, table: str) -> DataFrame:
    """Rows of `table` that are published; all rows of a table that no stage publishes by day, such as the ledgers."""
    if table not in stage_tables():
        return warehouse.read(table)
    parts = sorted(_parts(warehouse, table), key=lambda part: len(part.days), reverse=True)
    if not parts:
        return warehouse.read(table).where("false")
    contract = warehouse.contract(table)
    frames = [
        with_new_columns(warehouse.read(table, version=part.version), contract).where(part.condition())
        for part in parts[: MOST_UNIONS - 1]
    ]
    if rest := [warehouse.read_arrow(table, days=part.days, version=part.version) for part in parts[MOST_UNIONS - 1 :]]:
        frames.append(warehouse.arrow_frame(pa.concat_tables(rest), table))
    return union_all(frames)


def published_arrow(warehouse: Warehouse, table: str, days: Collection[date] | None = None) -> pa.Table:
    """The same rows, of all days or of `days`, for readers without an engine, such as Polars and DuckDB.

    Where a file is gone or damaged, the readable days are returned, and a warning names each of the others; of `days`
    that were asked for, all must be readable.

    Raises
    ------
    MissingTableError
        If one of `days` is published and cannot be read.
    """
    if table not in stage_tables():
        return warehouse.read_arrow(table)
    empty = arrow_schema(warehouse.contract(table)).empty_table()
    found: list[pa.Table] = []
    for part in _parts(warehouse, table):
        wanted = part.days if days is None else part.days & set(days)
        found += _readable(warehouse, table, part.version, wanted, is_asked=days is not None)
    return pa.concat_tables([empty, *found])


def _readable(
    warehouse: Warehouse, table: str, version: int, days: Collection[date], *, is_asked: bool
) -> Iterator[pa.Table]:
    if not days:
        return
    try:
        yield warehouse.read_arrow(table, days=days, version=version)
    except MissingTableError as error:
        if is_asked:
            raise
        if len(days) == 1:
            logger.warning("%s of %s is left out: %s", table, *days, error)
            return
        for day in sorted(days):
            yield from _readable(warehouse, table, version, [day], is_asked=False)


def _parts(warehouse: Warehouse, table: str) -> Iterator[_Part]:
    """The published days of `table` by the version to read them in."""
    if not warehouse.exists(table):
        return
    # The table first: a day that is published after this look is read in the version that its ledger row names.
    latest = warehouse.version(table)
    published = published_versions(warehouse, table)
    if not published:
        return
    changes = warehouse.changes(table, min(published.values()) + 1, latest)
    by_version: dict[int, set[date]] = {}
    for day, version in published.items():
        stands = version <= latest and not changes.since(day, version)
        by_version.setdefault(latest if stands else version, set()).add(day)
    for version, days in sorted(by_version.items()):
        yield _Part(version, frozenset(days), frozenset(warehouse.stored_days(table, version) - days))


def last_paid_before(warehouse: Warehouse, day: date) -> date | None:
    """The last day before `day` of which payouts are published."""
    return max((pool.day for pool in every_published_pool(warehouse) if pool.day < day), default=None)
