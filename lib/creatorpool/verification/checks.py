"""Comparing what is stored with what follows from its inputs: the building blocks of `verification`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import CreatorpoolError

RELATIVE_TOLERANCE = 1e-9
"""Sums of floats differ in their last digits with the order of rows; money and counts must agree exactly."""


@dataclass(frozen=True)
class Check:
    """What one check found: how much it compared, how many differences, and one of them in words."""

    name: str
    compared: int
    differences: int = 0
    example: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return self.differences == 0


def compared_frames(
    name: str, stored: DataFrame, expected: DataFrame, keys: Sequence[str], exact: Sequence[str], close: Sequence[str]
) -> Check:
    """Compare two frames row by row: `exact` columns to the bit, `close` ones to `RELATIVE_TOLERANCE`.

    A row that only one of them has is a difference. Keys must be unique in `expected`.
    """
    columns = (*exact, *close)
    pairs = _side(stored, keys, columns, "stored").join(
        _side(expected, keys, columns, "due"), on=list(keys), how="full"
    )
    agree = [F.col("is_stored").isNotNull() & F.col("is_due").isNotNull()]
    agree += [F.col(f"{column}_stored").eqNullSafe(F.col(f"{column}_due")) for column in exact]
    agree += [_is_close(F.col(f"{column}_stored"), F.col(f"{column}_due")) for column in close]
    marked = pairs.withColumn("differs", ~reduce(Column.__and__, agree))
    counts = marked.agg(F.count("*"), F.count(F.when(F.col("differs"), 1))).collect()[0]
    if not counts[1]:
        return Check(name, counts[0])
    row = marked.where("differs").orderBy(*keys).limit(1).collect()[0].asDict()
    return Check(name, counts[0], counts[1], _in_words(row, keys, columns))


def _side(rows: DataFrame, keys: Sequence[str], columns: Sequence[str], side: str) -> DataFrame:
    return rows.select(
        *keys, *(F.col(column).alias(f"{column}_{side}") for column in columns), F.lit(True).alias(f"is_{side}")
    )


def _is_close(left: Column, right: Column) -> Column:
    reach = F.greatest(F.abs(left), F.abs(right)) * F.lit(RELATIVE_TOLERANCE)
    is_near = F.coalesce(F.abs(left - right) <= reach, F.lit(False))
    return left.eqNullSafe(right) | is_near


def _in_words(row: Mapping[str, Any], keys: Sequence[str], columns: Sequence[str]) -> str:
    place = ", ".join(f"{key} {row[key]}" for key in keys)
    if row["is_stored"] is None:
        return f"{place}: the row is missing"
    if row["is_due"] is None:
        return f"{place}: there should be no such row"
    found = [
        f"{column} is {row[f'{column}_stored']}, must be {row[f'{column}_due']}"
        for column in columns
        if not same(row[f"{column}_stored"], row[f"{column}_due"])
    ]
    return f"{place}: {'; '.join(found)}"


def same(stored: Any, due: Any) -> bool:
    """Whether two values agree: floats to `RELATIVE_TOLERANCE`, anything else exactly."""
    if isinstance(stored, float) and isinstance(due, float):
        return math.isclose(stored, due, rel_tol=RELATIVE_TOLERANCE)
    return bool(stored == due)


def compared_records(
    name: str,
    stored: Mapping[str, Mapping[str, Any]],
    due: Mapping[str, Mapping[str, Any]],
    columns: Collection[str] | None = None,
) -> Check:
    """Compare a few records by key: the columns given, or those of `due`."""
    found = []
    for key in sorted({*stored, *due}):
        if key not in stored or key not in due:
            found.append(f"{key}: {'the row is missing' if key in due else 'there should be no such row'}")
            continue
        named = columns or due[key].keys()
        wrong = [c for c in named if not same(stored[key][c], due[key][c])]
        if wrong:
            words = (f"{column} is {stored[key][column]}, must be {due[key][column]}" for column in wrong)
            found.append(f"{key}: {'; '.join(words)}")
    return Check(name, len({*stored, *due}), len(found), found[0] if found else None)


def attempted(name: str, check: Callable[[], Check]) -> Check:
    """What `check` finds; a refusal of the package itself on the way counts as a difference."""
    try:
        return check()
    except CreatorpoolError as error:
        return Check(name, 1, 1, str(error))
