"""Which viewers are known to be invalid on a day, such as fake ones, and the events without theirs."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from creatorpool.frames import covering


def without_invalid(events: DataFrame, invalid_viewers: DataFrame, day: date) -> DataFrame:
    """One day's `events` without those of viewers of whom a row of `invalid_viewers` covers `day`."""
    invalid = invalid_viewers.where(covering(day)).select("viewer_id").distinct()
    return events.join(invalid, "viewer_id", "left_anti").select(*events.columns)


def invalid_on(invalid_viewers: pa.Table, day: date) -> set[str]:
    """The viewers of whom a row of `invalid_viewers` covers `day`: those whose events `without_invalid` leaves out."""
    until = invalid_viewers.column("until_date")
    begun = pc.less_equal(invalid_viewers.column("from_date"), day)
    lasting = pc.or_kleene(pc.is_null(until), pc.greater_equal(until, day))
    return set(invalid_viewers.filter(pc.and_(begun, lasting)).column("viewer_id").to_pylist())
