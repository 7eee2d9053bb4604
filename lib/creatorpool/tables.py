"""The Delta tables under one root, and sums of their money. Only this module and package `storage` access storage.

An engine writes Parquet files; then this process commits them, in the same way for every engine.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from creatorpool.storage.commits import TableCommitter
from creatorpool.storage.record_commits import RecordCommitter
from creatorpool.storage.upkeep import TableUpkeep


class Warehouse(TableCommitter, RecordCommitter, TableUpkeep):
    """All tables under one root, each at ``root/<table>``.

    Methods that take or return Spark frames need `session`; those for records and Arrow tables do not.
    """


def sum_exact(column: str) -> Column:
    """Sum of a BIGINT column as BIGINT; the query fails on overflow, whereas Sail's own SUM wraps around silently."""
    return F.sum(F.col(column).cast("decimal(38,0)")).cast("bigint")
