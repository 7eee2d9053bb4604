"""SQL expressions that the configuration brings, checked before anything is computed by them."""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError

_WORDS = {"double": "number"}


def require_computable(rows: DataFrame, key: str, expression: str, kind: str) -> None:
    """Refuse a configured `expression` over a row that the engine cannot read as the SQL type `kind`.

    Raises
    ------
    ConfigurationError
        Naming the configuration's key, the expression and what the engine says.
    """
    try:
        rows.select(F.expr(expression).cast(kind)).schema  # noqa: B018 - makes the engine analyse it
    except PySparkException as error:
        raise ConfigurationError(
            f"{key}: cannot compute a {_WORDS.get(kind, kind)} by {expression!r} over {rows.columns}: "
            f"{str(error).strip().splitlines()[0]}"
        ) from error
