"""Computes frames once and keeps their rows: small ones in this process, any in a folder of Parquet files."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StructField, StructType

from creatorpool.storage.places import Place, engine_path

_MATERIALIZED_ROWS = 200_000
"""This many rows fit in this process and in one message to the engine."""

_BROADCAST_ROWS = 2_000_000
"""This many ids fit in every executor; for more, the engine plans the join itself."""


@dataclass(frozen=True)
class Materialized:
    """Rows and their number; the number is None if there were too many rows to compute."""

    rows: DataFrame
    number: int | None


def materialized_if_small(rows: DataFrame, session: SparkSession) -> Materialized:
    """`rows`, computed now if there are at most 200,000 of them, so that no later query computes them again."""
    found = rows.limit(_MATERIALIZED_ROWS + 1).toArrow()
    if found.num_rows > _MATERIALIZED_ROWS:
        return Materialized(rows, None)
    return Materialized(F.broadcast(session.createDataFrame(found, rows.schema)), found.num_rows)


def broadcast_if_small(rows: DataFrame, number: int) -> DataFrame:
    """`rows`, marked for a broadcast join if their `number` is at most 2,000,000."""
    return F.broadcast(rows) if number <= _BROADCAST_ROWS else rows


def computed_once(rows: DataFrame, folder: Place) -> DataFrame:
    """`rows`, computed now and read back from `folder`, which the engine writes.

    Engines plan each query from the start. The conversion of text has hundreds of expressions, and planning them took
    seconds in each of the dozens of queries of an ingestion, whatever the number of rows.
    """
    path = engine_path(folder)
    rows.write.parquet(path)
    return rows.sparkSession.read.schema(nullable_schema(rows.schema)).parquet(path)


def nullable_schema(schema: StructType) -> StructType:
    """The columns of `schema`, which may be null; without comments, because Sail refuses unions of frames with some."""
    return StructType([StructField(field.name, _nullable(field.dataType)) for field in schema.fields])


def _nullable(kind: DataType) -> DataType:
    """`kind` with elements that may be null: files do not say that they never are, and Sail refuses to assume it."""
    return ArrayType(_nullable(kind.elementType)) if isinstance(kind, ArrayType) else kind
