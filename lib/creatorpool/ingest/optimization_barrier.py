"""Keeping an expression where it is."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def behind_barrier(value: Column) -> Column:
    """`value`, computed once a row and where it stands.

    Engines move a filter below the columns that it reads by writing their expressions into it, as often as it names
    them: parsing a line a hundred times instead of once. What may differ from one evaluation to the next is not moved.
    """
    # The sum hides from Spark's optimizer that the condition always holds: `rand() >= 0` alone it would drop.
    return F.when(F.rand() + F.lit(1.0) >= F.lit(1.0), value)
