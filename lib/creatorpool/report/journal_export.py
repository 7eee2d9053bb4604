"""Writes the published journal to a file, in Beancount's text or as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from creatorpool.errors import MissingTableError
from creatorpool.report.output_file import whole_file
from creatorpool.runs.published import published_versions
from creatorpool.settlement.export import write_beancount, write_csv
from creatorpool.settlement.months import first_day
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

JOURNAL = "journal"


def export_journal(warehouse: Warehouse, output: Place, form: str, month: date | None = None) -> int:
    """Write the lines of `month`, named by its last day, or of all months; return their number.

    The file appears completely or not at all, and has the journal as it was at one moment, whatever is posted
    meanwhile. One day of the journal is in memory at a time.

    Raises
    ------
    MissingTableError
        If nothing is posted.
    InputError
        If the file cannot be written.
    """
    known = published_versions(warehouse, JOURNAL) if warehouse.exists(JOURNAL) else {}
    chosen = {day: known[day] for day in sorted(known) if month is None or first_day(month) <= day <= month}
    if not chosen:
        raise MissingTableError(
            f"nothing is posted to the journal under {warehouse.root}: run `creatorpool journal post`"
        )
    with whole_file(output) as out:
        if form == "csv":
            write_csv(_lines(warehouse, chosen), out)
        else:
            write_beancount(_lines(warehouse, chosen), _accounts(warehouse, chosen), min(chosen), out)
    return sum(rows.num_rows for rows in _days(warehouse, chosen))


def _days(warehouse: Warehouse, versions: Mapping[date, int]) -> Iterator[pa.Table]:
    """The lines of each day of `versions`, in the version that it names."""
    for day, version in versions.items():
        rows = warehouse.read_arrow(JOURNAL, day=day, version=version)
        yield rows.sort_by([("entry_id", "ascending"), ("line", "ascending")])


def _lines(warehouse: Warehouse, versions: Mapping[date, int]) -> Iterator[dict[str, Any]]:
    for rows in _days(warehouse, versions):
        for batch in rows.to_batches():
            yield from batch.to_pylist()


def _accounts(warehouse: Warehouse, versions: Mapping[date, int]) -> list[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    for of_day in _days(warehouse, versions):
        rows = of_day.select(["account", "payee_id"]).group_by(["account", "payee_id"]).aggregate([])
        found |= {(row["account"], row["payee_id"]) for row in rows.to_pylist()}
    return list(found)
