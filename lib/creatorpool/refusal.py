"""Rows that must stop a run, refused by the expression that computes them: no pass of their own."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

GUARD = "creatorpool-guard:"
"""By this mark the table module knows a refusal among an engine's errors, and raises it as bad input."""


def refused(fault: Column, kind: str | DataType) -> Column:
    """A column of type `kind` that stops the query with the message `fault` on the first row that reaches it."""
    return F.raise_error(F.concat(F.lit(f"{GUARD} "), fault)).cast(kind)
