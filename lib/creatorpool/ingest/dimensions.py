"""Merges rows of dimensions by key: the incoming row of a key replaces the stored row. Pure transforms."""

from __future__ import annotations

from functools import reduce
from operator import and_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract


def merged(stored: DataFrame | None, incoming: DataFrame, contract: Contract) -> DataFrame:
    """One row per key of `contract`: the rows of `incoming`, and those of `stored` with other keys.

    Keys must be unique in each of the two frames.
    """
    if stored is None:
        return incoming
    kept = stored.join(incoming.select(*contract.key), list(contract.key), "left_anti")
    return kept.select(*contract.column_names).unionByName(incoming.select(*contract.column_names))


def changed(stored: DataFrame, incoming: DataFrame, contract: Contract) -> DataFrame:
    """Rows of `incoming` that are not in `stored` with the same values."""
    old = stored.select(*(F.col(name).alias(f"stored_{name}") for name in contract.column_names))
    same = reduce(and_, (F.col(name).eqNullSafe(F.col(f"stored_{name}")) for name in contract.column_names))
    has_key = reduce(and_, (F.col(name).eqNullSafe(F.col(f"stored_{name}")) for name in contract.key))
    return incoming.join(old, has_key, "left").where(~same).select(*contract.column_names)
