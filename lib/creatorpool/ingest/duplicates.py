"""Rows that share a key: identical rows become one row, different rows are in conflict. Pure transforms.

Most nights have no such rows. So 64-bit hashes of the keys are compared first; only rows whose hash occurs again, or is
stored already, are compared completely.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import FAILED_RULES, row_as_json

IN_CONFLICT = "in_conflict"
_HASH = "key_hash"
_IS_STORED = "is_stored"
_CONTENT = "content"


def duplicate_key_hashes(rows: DataFrame, contract: Contract, key: Sequence[str]) -> DataFrame:
    """Hashes of the keys that occur more than once, in column `key_hash`; rows without a key are left out."""
    hashes = with_key(rows, contract, key).select(_hash(key))
    return hashes.groupBy(_HASH).count().where(F.col("count") > 1).select(_HASH)


def stored_hashes(stored: DataFrame, arrived: DataFrame, key: Sequence[str]) -> DataFrame:
    """Hashes of the keys that both frames have, in column `key_hash`."""
    return arrived.select(_hash(key)).join(stored.select(_hash(key)), _HASH, "left_semi").distinct()


def with_key(rows: DataFrame, contract: Contract, key: Sequence[str]) -> DataFrame:
    """Rows with a key: no required column of it is NULL or blank."""
    required = [name for name in key if not contract.column(name).nullable]
    for name in required:
        rows = rows.where(F.trim(F.col(name).cast("string")) != "")
    return rows


def unique_rows(rows: DataFrame, duplicate_keys: DataFrame, key: Sequence[str]) -> DataFrame:
    """Rows whose key hash is not among `duplicate_keys`, with `in_conflict`: false."""
    hashed = rows.withColumn(_HASH, _hash(key))
    kept = hashed.join(duplicate_keys, _HASH, "left_anti")
    return kept.select(*rows.columns, F.lit(False).alias(IN_CONFLICT))


def deduplicated(
    rows: DataFrame, duplicate_keys: DataFrame, contract: Contract, key: Sequence[str], stored: DataFrame | None = None
) -> DataFrame:
    """Rows whose key hash is among `duplicate_keys`, without repetitions, with column `in_conflict`.

    `in_conflict` is true if another row of the key, delivered or stored, has other content.

    Parameters
    ----------
    rows : DataFrame
        As `conform` returns them.
    duplicate_keys : DataFrame
        Column `key_hash` with the hashes of all keys that may occur more than once.
    stored : DataFrame, optional
        Rows of the table. A delivered row that is stored with the same content is a repetition.
    """
    several = rows.withColumn(_HASH, _hash(key)).join(duplicate_keys, _HASH, "left_semi")
    compared = _with_content(several.withColumn(_IS_STORED, F.lit(False)), contract)
    if stored is not None:
        known = stored.withColumn(_HASH, _hash(key)).join(duplicate_keys, _HASH, "left_semi")
        blank = known.withColumn(FAILED_RULES, F.array().cast("array<string>")).withColumn(_IS_STORED, F.lit(True))
        compared = compared.unionByName(_with_content(blank, contract), allowMissingColumns=True)
    return _first_of_each_content(compared, key).select(*rows.columns, IN_CONFLICT)


def _first_of_each_content(compared: DataFrame, key: Sequence[str]) -> DataFrame:
    same_key = Window.partitionBy(*key)
    in_order = same_key.orderBy(F.col(_IS_STORED).desc(), _CONTENT)
    ranked = (
        compared.withColumn("lowest", F.min(_CONTENT).over(same_key))
        .withColumn("highest", F.max(_CONTENT).over(same_key))
        .withColumn("position", F.row_number().over(in_order))
        .withColumn(IN_CONFLICT, F.col("lowest") != F.col("highest"))
    )
    is_first = F.col("position") == 1
    return ranked.where(~F.col(_IS_STORED) & (F.col(IN_CONFLICT) | is_first))


def _with_content(rows: DataFrame, contract: Contract) -> DataFrame:
    names = [name for name in contract.column_names if name in rows.columns]
    content = F.concat(row_as_json(rows, names), F.concat_ws(",", FAILED_RULES))
    return rows.withColumn(_CONTENT, content)


def _hash(key: Sequence[str]) -> Column:
    return F.xxhash64(*(F.col(name).cast("string") for name in key)).alias(_HASH)
