"""Few rows are computed once and kept at hand; many stay a plan, to be computed where they are used."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_MODERATE = 200_000
"""So many rows fit this process and one message to the engine."""

_BROADCAST_ROWS = 2_000_000
"""So many ids fit every executor; beyond, the engine plans the join."""


@dataclass(frozen=True)
class Computed:
    """Rows and, where there were few enough to compute them, their number."""

    rows: DataFrame
    number: int | None


def computed_once(rows: DataFrame, session: SparkSession) -> Computed:
    """`rows`, computed now if there is a moderate number of them, so that no later pass computes them again."""
    found = rows.limit(_MODERATE + 1).toArrow()
    if found.num_rows > _MODERATE:
        return Computed(rows, None)
    return Computed(F.broadcast(session.createDataFrame(found, rows.schema)), found.num_rows)


def sent_along(rows: DataFrame, number: int) -> DataFrame:
    """`rows`, marked to be sent to every executor where their `number` allows."""
    return F.broadcast(rows) if number <= _BROADCAST_ROWS else rows
