"""Writes the published journal to a file, in Beancount's text or as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from creatorpool.errors import MissingTableError
from creatorpool.report.output_file import whole_file
from creatorpool.runs.published import published_versions
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.export import write_beancount, write_csv
from creatorpool.settlement.months import first_day
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

JOURNAL = "journal"


def export_journal(warehouse: Warehouse, output: Place, form: str, month: date | None = None) -> int:
    """Write the lines of `month`, named by its last day, or of all months; return their number.

    The file appears completely or not at all. One day of the journal is in memory at a time.

    Raises
    ------
    MissingTableError
        If nothing is posted.
    InputError
        If the file cannot be written.
    """
    days = sorted(published_versions(warehouse, JOURNAL)) if warehouse.exists(JOURNAL) else []
    chosen = [day for day in days if month is None or first_day(month) <= day <= month]
    if not chosen:
        raise MissingTableError(
            f"nothing is posted to the journal under {warehouse.root}: run `creatorpool journal post`"
        )
    with whole_file(output) as out:
        if form == "csv":
            write_csv(_lines(warehouse, chosen), out)
        else:
            write_beancount(_lines(warehouse, chosen), _accounts(warehouse, chosen), chosen[0], out)
    return sum(_of_day(warehouse, day).num_rows for day in chosen)


def _of_day(warehouse: Warehouse, day: date) -> pa.Table:
    return published_arrow(warehouse, JOURNAL, [day]).sort_by([("entry_id", "ascending"), ("line", "ascending")])


def _lines(warehouse: Warehouse, days: list[date]) -> Iterator[dict[str, Any]]:
    for day in days:
        for batch in _of_day(warehouse, day).to_batches():
            yield from batch.to_pylist()


def _accounts(warehouse: Warehouse, days: list[date]) -> list[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    for day in days:
        rows = _of_day(warehouse, day).select(["account", "payee_id"]).group_by(["account", "payee_id"]).aggregate([])
        found |= {(row["account"], row["payee_id"]) for row in rows.to_pylist()}
    return list(found)
