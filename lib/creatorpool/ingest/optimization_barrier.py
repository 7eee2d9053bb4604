"""A barrier that keeps an engine's optimizer from moving an expression."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def behind_barrier(value: Column) -> Column:
    """`value`, computed once per row at this place of the plan.

    When engines move a filter below the columns that it reads, they copy the expressions of these columns into it, one
    copy per use: a line may be parsed a hundred times instead of once. They do not move non-deterministic expressions.
    """
    # The condition always holds. The sum hides this from Spark's optimizer, which would drop `rand() >= 0`.
    return F.when(F.rand() + F.lit(1.0) >= F.lit(1.0), value)
