"""Column expressions that stop a query at a forbidden row, so that no separate pass has to look for such rows."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

GUARD = "creatorpool-guard:"
"""Marks the message among an engine's errors; `storage.staging` turns such an error into a TableGuardError."""


def refused(fault: Column, kind: str | DataType) -> Column:
    """A column of type `kind` that stops the query with the message `fault` at the first row that evaluates it."""
    return F.raise_error(F.concat(F.lit(f"{GUARD} "), fault)).cast(kind)
