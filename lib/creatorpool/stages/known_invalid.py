"""Which viewers are invalid on a day, as a stored version of `invalid_viewers` says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import pyarrow as pa

from creatorpool.quality.frames.invalid_viewers import invalid_on
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.published import INVALID
from creatorpool.settlement.months import first_day
from creatorpool.tables import Warehouse

_KNOWN = pa.schema({"date": pa.date32(), "viewer_id": pa.string()})


def invalid_by_version(warehouse: Warehouse) -> Callable[[date, int | None], set[str]]:
    """A function of a day and a version (None: the table was not there); it reads each version once."""

    @cache
    def rows(version: int) -> pa.Table:
        return warehouse.read_arrow(INVALID, ["viewer_id", "from_date", "until_date"], version=version)

    return lambda day, version: set() if version is None else invalid_on(rows(version), day)


def invalid_when_paid(warehouse: Warehouse, month: date) -> pa.Table:
    """`date` and `viewer_id`: whose events each day of the month that ends on `month` left out when it was paid."""
    viewers = invalid_by_version(warehouse)
    versions = {
        pool.day: pool.inputs.get(INVALID)
        for pool in every_published_pool(warehouse)
        if first_day(month) <= pool.day <= month
    }
    found = [
        {"date": day, "viewer_id": viewer}
        for day, version in versions.items()
        for viewer in sorted(viewers(day, version))
    ]
    return pa.Table.from_pylist(found, schema=_KNOWN)
