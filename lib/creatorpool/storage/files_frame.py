"""Frames of a table's files. Engines open them without the table's log, whose length grows with the nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from creatorpool.contracts import Contract
from creatorpool.contracts.schema import spark_schema
from creatorpool.storage.materialize import nullable_schema


def has_one_partition(contract: Contract, day: date | None) -> bool:
    """Whether the rows of `day`, or all rows if it is None, have the same values in the columns that files lack."""
    return contract.partition_by == (() if day is None else ("date",))


def files_frame(session: SparkSession, contract: Contract, paths: Sequence[str], day: date | None) -> DataFrame:
    """The rows of `paths`, Parquet files of a table, with the columns of its contract.

    A column that the contract gained after a file was written is null.

    Parameters
    ----------
    day : date or None
        The day of all the rows, if the table is partitioned by days: files do not have it.
    """
    schema = nullable_schema(spark_schema(contract))
    if not paths:
        return session.createDataFrame([], schema)
    stored = StructType([field for field in schema.fields if field.name not in contract.partition_by])
    rows = session.read.schema(stored).parquet(*paths)
    return rows if day is None else rows.withColumn("date", F.lit(day)).select(*schema.names)
