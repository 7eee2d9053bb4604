"""The delivery that a corrected one replaces, and the tables as they are without its rows.

Tables do not say which delivery brought a row. Their versions do: what an ingestion stored is the difference between
the version after it and the version that has everything but its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.ingest.dimensions import changed, merged
from creatorpool.ingest.writing import clear_day
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class EarlierDelivery:
    """Versions of tables without the rows of the earlier delivery, right after its ingestion, and now.

    A dimension that is in none of `base` and `after` did not exist when the delivery was ingested.
    """

    warehouse: Warehouse
    day: date
    late_window_days: int
    base: Mapping[str, int]
    after: Mapping[str, int]
    now: Mapping[str, int]

    @property
    def days(self) -> list[date]:
        """The days that its events may belong to."""
        return days_up_to(self.day, self.late_window_days)

    def dimension(self, table: str) -> DataFrame | None:
        """Rows of a dimension as they were before the delivery; None if the table did not exist."""
        return self.warehouse.read(table, version=self.base[table]) if table in self.base else None

    def later(self, table: str) -> DataFrame:
        """Rows of a dimension that ingestions of other days have written since."""
        return rows_since(self.warehouse, table, self.after.get(table, self.base.get(table)), self.now[table])

    def with_later(self, table: str, rows: DataFrame | None) -> DataFrame:
        """`rows` of a dimension, None if it has none, with what ingestions of other days have written since."""
        return merged(rows, self.later(table), self.warehouse.contract(table))

    def own_events(self) -> DataFrame:
        """The events that the delivery brought, late ones included."""
        return events_between(self.warehouse, self.days, self.base.get("events"), self.after["events"])

    def other_events(self, days: Sequence[date]) -> DataFrame:
        """The events of `days` that other deliveries brought."""
        stored = self.warehouse.read("events", days=days, version=self.now["events"])
        own = self.own_events().select("event_id")
        return stored.join(own, "event_id", "left_anti").select(*stored.columns)

    def remove_events(self) -> int:
        """Write each day of `events` without the delivery's events; return the version of the table then."""
        own = self.own_events().select("date").distinct().collect()
        for day in sorted(row["date"] for row in own):
            self.warehouse.replace_day(self.other_events([day]), "events", day)
        return self.warehouse.version("events")

    def withdraw(self, delivered: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
        """Take back the rows of tables that only the earlier delivery has.

        Return the versions that the day is computed from, and those of dimensions with the rows of later days.
        """
        tables = [name for name in self.after if name.removesuffix("_quarantine") not in delivered]
        for table in tables:
            if "date" in self.warehouse.contract(table).partition_by:
                clear_day(self.warehouse, table, self.day)
            else:
                self.warehouse.overwrite(self.with_later(table, self.dimension(table)), table)
        daily = [name for name in tables if "date" in self.warehouse.contract(name).partition_by]
        own = {name: self.base[name] for name in tables if name in self.base}
        latest = self.warehouse.versions(*(name for name in tables if name not in daily))
        return own | self.warehouse.versions(*daily), latest


def rows_since(warehouse: Warehouse, table: str, known: int | None, now: int) -> DataFrame:
    """Rows of a dimension in version `now` that version `known` does not have; all if the table did not exist then."""
    rows = warehouse.read(table, version=now)
    if known is None:
        return rows
    return changed(warehouse.read(table, version=known), rows, warehouse.contract(table))


def put_back(warehouse: Warehouse, table: str, written: int, newer: DataFrame) -> int:
    """Write rows of later days over those of version `written`; return the version of the table then."""
    contract: Contract = warehouse.contract(table)
    warehouse.overwrite(merged(warehouse.read(table, version=written), newer, contract), table)
    return warehouse.version(table)


def days_up_to(day: date, late_window_days: int) -> list[date]:
    """`day` and so many days before it."""
    return [day - timedelta(days=back) for back in range(late_window_days, -1, -1)]


def events_between(warehouse: Warehouse, days: Sequence[date], base: int | None, after: int) -> DataFrame:
    """Events of `days` in version `after` that version `base` does not have; all if the table did not exist then."""
    rows = warehouse.read("events", days=days, version=after)
    if base is None:
        return rows
    known = warehouse.read("events", days=days, version=base)
    return rows.join(known.select("event_id"), "event_id", "left_anti").select(*rows.columns)
