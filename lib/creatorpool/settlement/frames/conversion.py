"""Converts revenue into the settlement currency in whole numbers, so that both engines give the exact product."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import broadcast_table
from creatorpool.settlement.rates import SCALE, CurrencySum, scaled_rate
from creatorpool.tables import sum_exact

CONVERSION_COLUMNS = ("original_amount_micros", "original_currency", "fx_rate")
"""Columns of `ad_revenue` that converted rows have; NULL in other rows"""

_PART = 1_000_000
_RATE_TYPES = {
    "original_currency": pa.string(),
    "fx_rate": pa.string(),
    **dict.fromkeys(("units", "high", "low"), pa.int64()),
}
_STEPS = (
    {"size": "abs(original_amount_micros)"},
    {"upper": f"size div {_PART}", "lower": f"size % {_PART}"},
    # size * (high * 10^6 + low) / 10^12, without a product that could overflow a BIGINT
    {"middle": "upper * low + lower * high"},
    {"rest": f"(middle % {_PART}) * {_PART} + lower * low"},
    {"whole": f"size * units + upper * high + middle div {_PART} + rest div {SCALE}", "rest": f"rest % {SCALE}"},
    {"up": f"CASE WHEN 2 * rest > {SCALE} OR (2 * rest = {SCALE} AND whole % 2 = 1) THEN 1 ELSE 0 END"},
    {"converted": "CASE WHEN original_amount_micros < 0 THEN -(whole + up) ELSE whole + up END"},
)


def currency_sums(revenue: DataFrame, amount: str, currency: str) -> list[CurrencySum]:
    """The sums of column `amount` by column `currency`, in the order of the currencies; rows without one left out."""
    sums = (sum_exact(amount), F.max(F.abs(amount)))
    rows = revenue.where(F.col(currency).isNotNull()).groupBy(currency).agg(F.count("*"), *sums).collect()
    return [CurrencySum(*row) for row in sorted(rows)]


def with_originals(revenue: DataFrame, currency: str) -> DataFrame:
    """Revenue whose rows in other currencies than `currency` have their amount as the original one, too."""
    is_other = F.col("currency") != F.lit(currency)
    names = {"original_amount_micros": "revenue_micros", "original_currency": "currency"}
    return revenue.withColumns({name: F.when(is_other, F.col(source)) for name, source in names.items()})


def converted(revenue: DataFrame, currency: str, rates: Mapping[str, str]) -> DataFrame:
    """Rows with an original amount, converted into `currency` as `rates.converted_micros` does; other rows unchanged.

    Parameters
    ----------
    revenue : DataFrame
        Columns of `ad_revenue`.
    rates : mapping
        The rate of each currency in `original_currency`. `rates.require_rates` has accepted the amounts, so that no
        product overflows.
    """
    records = [_rate_record(*pair) for pair in sorted(rates.items())]
    table = pa.Table.from_pylist(records, schema=pa.schema(_RATE_TYPES))
    rows = revenue.drop("fx_rate").join(broadcast_table(revenue, table), "original_currency", "left")
    for step in _STEPS:
        rows = rows.withColumns({name: F.expr(expression) for name, expression in step.items()})
    is_converted = F.col("original_currency").isNotNull()
    values = {
        "revenue_micros": F.when(is_converted, F.col("converted").cast("bigint")).otherwise(F.col("revenue_micros")),
        "currency": F.when(is_converted, F.lit(currency)).otherwise(F.col("currency")),
    }
    return rows.withColumns(values).select(*revenue.columns)


def _rate_record(currency: str, rate: str) -> dict[str, str | int]:
    units, decimals = divmod(scaled_rate(rate), SCALE)
    high, low = divmod(decimals, _PART)
    return {"original_currency": currency, "fx_rate": rate, "units": units, "high": high, "low": low}
