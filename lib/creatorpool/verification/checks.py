"""Compares stored rows with the rows that follow from their inputs: the building blocks of `verification`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import CreatorpoolError
from creatorpool.wording import number_of

RELATIVE_TOLERANCE = 1e-9
"""The last digits of sums of floats depend on the order of rows. Money and counts must agree exactly."""


@dataclass(frozen=True)
class Check:
    """The result of one check: how much was compared, the number of differences, and a description of one of them."""

    name: str
    compared: int
    differences: int = 0
    example: str | None = None
    unit: str = "row"
    """What `compared` counts, in the singular"""

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return self.differences == 0

    @property
    def extent(self) -> str:
        """What was compared, such as ``1,971 rows``."""
        return number_of(self.compared, self.unit)


def compare_frames(
    name: str, stored: DataFrame, expected: DataFrame, keys: Sequence[str], exact: Sequence[str], close: Sequence[str]
) -> Check:
    """Compare two frames row by row: columns `exact` for equality, columns `close` within `RELATIVE_TOLERANCE`.

    A row that only one frame has is a difference. Keys must be unique in `expected`.
    """
    columns = (*exact, *close)
    pairs = _side(stored, keys, columns, "stored").join(
        _side(expected, keys, columns, "expected"), on=list(keys), how="full"
    )
    agree = [F.col("is_stored").isNotNull() & F.col("is_expected").isNotNull()]
    agree += [F.col(f"{column}_stored").eqNullSafe(F.col(f"{column}_expected")) for column in exact]
    agree += [_is_close(F.col(f"{column}_stored"), F.col(f"{column}_expected")) for column in close]
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
    if row["is_expected"] is None:
        return f"{place}: the row should not exist"
    found = [
        f"{column} is {row[f'{column}_stored']}, must be {row[f'{column}_expected']}"
        for column in columns
        if not same(row[f"{column}_stored"], row[f"{column}_expected"])
    ]
    return f"{place}: {'; '.join(found)}"


def same(stored: Any, expected: Any) -> bool:
    """Whether two values agree: floats within `RELATIVE_TOLERANCE`, other values exactly."""
    if isinstance(stored, float) and isinstance(expected, float):
        return math.isclose(stored, expected, rel_tol=RELATIVE_TOLERANCE)
    return bool(stored == expected)


def compare_records(
    name: str,
    stored: Mapping[str, Mapping[str, Any]],
    expected: Mapping[str, Mapping[str, Any]],
    columns: Collection[str] | None = None,
) -> Check:
    """Compare one record for each pool, by key, in `columns` (default: all columns of `expected`)."""
    found = []
    for key in sorted({*stored, *expected}):
        if key not in stored or key not in expected:
            found.append(f"{key}: {'the row is missing' if key in expected else 'the row should not exist'}")
            continue
        named = columns or expected[key].keys()
        wrong = [c for c in named if not same(stored[key][c], expected[key][c])]
        if wrong:
            words = (f"{column} is {stored[key][column]}, must be {expected[key][column]}" for column in wrong)
            found.append(f"{key}: {'; '.join(words)}")
    return Check(name, len({*stored, *expected}), len(found), found[0] if found else None, "pool")


def run_check(name: str, check: Callable[[], Check]) -> Check:
    """The result of `check`; if it raises a CreatorpoolError, a failed check with the error's message."""
    try:
        return check()
    except CreatorpoolError as error:
        return Check(name, 1, 1, str(error))
