"""Counts how many rows two ingestions of one day stored, and how many of them differ."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import row_as_json
from creatorpool.contracts.schema import with_new_columns


@dataclass(frozen=True)
class RowChanges:
    """Numbers of rows: before, now, without a counterpart in the other, and with other values under the same key."""

    before: int
    now: int
    added: int
    removed: int
    changed: int

    @property
    def is_same(self) -> bool:
        """Whether all rows are the same."""
        return not (self.added or self.removed or self.changed)


def row_changes(before: DataFrame, now: DataFrame, contract: Contract) -> RowChanges:
    """Compare the rows of two frames with the columns of `contract`, by its key, in one query."""
    pairs = _content(before, contract, "old").join(_content(now, contract, "new"), "row", "full")
    old, new = F.col("old").isNotNull(), F.col("new").isNotNull()
    counts = (old, new, new & ~old, old & ~new, old & new & (F.col("old") != F.col("new")))
    found = pairs.agg(*(F.count(F.when(condition, 1)) for condition in counts)).collect()[0]
    return RowChanges(*found)


def _content(rows: DataFrame, contract: Contract, name: str) -> DataFrame:
    """The key of each row as text, because a part of it may be null, and a hash of its values."""
    rows = with_new_columns(rows, contract)
    return rows.select(
        row_as_json(rows, contract.key).alias("row"), F.xxhash64(row_as_json(rows, contract.column_names)).alias(name)
    )
