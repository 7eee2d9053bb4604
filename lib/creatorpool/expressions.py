"""Checks SQL expressions of the configuration before they are used."""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError
from creatorpool.quoting import quoted

_WORDS = {"double": "number"}


def require_computable(rows: DataFrame, key: str, expression: str, kind: str) -> None:
    """Check that the engine can compute `expression` from the columns of `rows` as the SQL type `kind`.

    Raises
    ------
    ConfigurationError
        If it cannot; the message names the configuration key, the expression and the engine's reason.
    """
    try:
        rows.select(F.expr(expression).cast(kind)).schema  # noqa: B018 - makes the engine analyse it
    except PySparkException as error:
        raise ConfigurationError(
            f"{key}: cannot compute a {_WORDS.get(kind, kind)} from {expression!r} with columns {rows.columns}: "
            f"{quoted(str(error).strip().splitlines()[0])}"
        ) from error
