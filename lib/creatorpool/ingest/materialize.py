"""Few rows are computed once and kept at hand; many stay a plan, to be computed where they are used."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_MATERIALIZED_ROWS = 200_000
"""So many rows fit this process and one message to the engine."""

_BROADCAST_ROWS = 2_000_000
"""So many ids fit every executor; beyond, the engine plans the join."""


@dataclass(frozen=True)
class Materialized:
    """Rows and their number; the number is None where there were too many to compute."""

    rows: DataFrame
    number: int | None


def materialized_if_small(rows: DataFrame, session: SparkSession) -> Materialized:
    """`rows`, computed now if there is a moderate number of them, so that no later pass computes them again."""
    found = rows.limit(_MATERIALIZED_ROWS + 1).toArrow()
    if found.num_rows > _MATERIALIZED_ROWS:
        return Materialized(rows, None)
    return Materialized(F.broadcast(session.createDataFrame(found, rows.schema)), found.num_rows)


def broadcast_if_small(rows: DataFrame, number: int) -> DataFrame:
    """`rows`, marked for a broadcast to every executor where their `number` allows."""
    return F.broadcast(rows) if number <= _BROADCAST_ROWS else rows
