"""What the journal of a month books of each pool and video for each payee, from the published rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import broadcast_table, matching, union_all
from creatorpool.runs.postings import postings
from creatorpool.runs.published_rows import published_rows
from creatorpool.settlement.frames.breakdown import payee_parts, rows_of_payees, settled_rows, settled_steps
from creatorpool.settlement.frames.restatement import earned_rows
from creatorpool.settlement.journal import NIGHT, Entry
from creatorpool.settlement.months import first_day
from creatorpool.stages.bookings import booked_restatements, rights_at
from creatorpool.stages.restatement import VIDEOS
from creatorpool.tables import Warehouse

_COLUMNS = {"entry_id": pa.string(), "service_date": pa.date32(), "sequence": pa.int64()}


@dataclass(frozen=True)
class DividedEntry:
    """A posted entry about a service day: its number on the day, 0 for the night, and the version of its rights."""

    entry: Entry
    sequence: int
    rights: int | None


def divided_entries(warehouse: Warehouse, month: date) -> list[DividedEntry]:
    """The nights and restatements that are posted in the month that ends on `month`, in the order of their days."""
    found = postings(warehouse)
    posted, rights = found.entries, found.divided_by
    nights = [(Entry(NIGHT, date.fromisoformat(name)), 0, on) for name, on in posted["nights"].items()]
    booked = [
        (one.entry, one.sequence, posted["restatements"][one.reference])
        for one in booked_restatements(warehouse)
        if one.reference in posted["restatements"]
    ]
    return [
        DividedEntry(entry, sequence, rights[entry.entry_id])
        for entry, sequence, on in sorted(nights + booked, key=lambda one: (one[0].day, one[1]))
        if first_day(month) <= on <= month
    ]


def booked_parts(
    warehouse: Warehouse, entries: Sequence[DividedEntry], payees: Collection[str] | None = None
) -> DataFrame:
    """The rows of `frames.breakdown.payee_parts` of `entries`, one at least; only of `payees` if given."""
    return union_all(list(_parts(warehouse, entries, payees)))


def _parts(
    warehouse: Warehouse, entries: Sequence[DividedEntry], payees: Collection[str] | None
) -> Iterator[DataFrame]:
    """One frame for all entries that the same rights divided."""
    for version in sorted({one.rights for one in entries}, key=lambda version: -1 if version is None else version):
        own = [one for one in entries if one.rights == version]
        days = sorted({one.entry.day for one in own})
        tables = ["pool_payouts", "video_payouts", *([VIDEOS] if warehouse.exists(VIDEOS) else [])]
        pools, videos, *changes = (published_rows(warehouse, name).where(F.col("date").isin(days)) for name in tables)
        rights = rights_at(warehouse, version)
        rows = settled_rows(earned_rows(pools, videos, ["date"]), changes[0] if changes else None)
        steps = settled_steps(rows if payees is None else rows_of_payees(rows, rights, payees))
        records = [dict(zip(_COLUMNS, (one.entry.entry_id, one.entry.day, one.sequence), strict=True)) for one in own]
        named = broadcast_table(steps, pa.Table.from_pylist(records, schema=pa.schema(_COLUMNS)))
        parts = payee_parts(steps, named, rights)
        yield parts if payees is None else matching(parts, "payee_id", payees)
