"""Custom signals of the configuration: a Spark SQL expression over one pair, with weight and range (formulas §1.4)."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError
from creatorpool.expressions import require_computable
from creatorpool.settings import CustomSignal

MILLIONTHS = 1_000_000
"""A signal's value on one pair is rounded to whole millionths, so that its sum is exact."""


def pair_millionths(signal: CustomSignal) -> Column:
    """The signal on one pair, clamped to its range and scaled to 0 … 1,000,000; 0 if it is null or NaN."""
    low, high = (F.lit(float(end)) for end in signal.range)
    value = F.expr(signal.expression).cast("double")
    share = (F.least(F.greatest(value, low), high) - low) / (high - low)
    rounded = F.floor(share * F.lit(float(MILLIONTHS)) + F.lit(0.5)).cast("long")
    return F.when(value.isNull() | F.isnan(value), F.lit(0)).otherwise(rounded).cast("long")


def require_signals(pairs: DataFrame, custom: Mapping[str, CustomSignal], taken: set[str]) -> None:
    """Refuse a signal whose name is one of `taken`, or whose expression does not give a number on `pairs`.

    Raises
    ------
    ConfigurationError
        The message has the signal's name, its expression and the engine's message.
    """
    for name, signal in custom.items():
        if name in taken:
            raise ConfigurationError(f"signals.custom.{name}: the name is taken: use another name than {sorted(taken)}")
        require_computable(
            pairs, signal.with_origin("expression", f"signals.custom.{name}"), signal.expression, "double"
        )
