"""Custom signals of conf/signals.yaml: a Spark SQL expression over one pair, its weight, its range (formulas §1.4)."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError
from creatorpool.expressions import require_computable
from creatorpool.settings import CustomSignal

MILLIONTHS = 1_000_000
"""A signal's value on one pair is rounded to a whole number of millionths, so that its sum is exact."""


def pair_millionths(signal: CustomSignal) -> Column:
    """The signal on one pair, clamped to its range and scaled to 0…1,000,000; 0 where it is null or not a number."""
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
        With the signal's name, its expression and what the engine says.
    """
    for name, signal in custom.items():
        if name in taken:
            raise ConfigurationError(f"signals.custom.{name}: the name is taken; taken are {sorted(taken)}")
        require_computable(pairs, f"signals.custom.{name}", signal.expression, "double")
