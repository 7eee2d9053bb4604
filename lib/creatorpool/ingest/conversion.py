"""Converts a day's revenue into the settlement currency by the rates that are known for the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.settlement.frames.conversion import converted, currency_sums, with_originals
from creatorpool.settlement.rates import SCALE, Conversion, Rate, other_base, require_rates, scaled_rate

RATES = "fx_rates"


def refuse_other_base(rates: DataFrame, currency: str | None) -> None:
    """Raise InputError if `rates`, rows of `fx_rates`, give the settlement `currency` another rate than 1."""
    own = rates.where(F.col("currency") == F.lit(currency)).select("date", "rate").collect()
    wrong = sorted((row["date"], row["rate"]) for row in own if scaled_rate(row["rate"]) != SCALE)
    if wrong:
        day, rate = wrong[0]
        raise InputError(other_base(str(currency), rate, day))


def rates_of(rows: DataFrame | None, day: date) -> dict[str, Rate]:
    """The rates of `day` by currency, from rows of `fx_rates`; None stands for no rows."""
    if rows is None:
        return {}
    found = rows.where(F.col("date") == F.lit(day)).select("currency", "rate", "source").collect()
    return {row["currency"]: Rate(row["rate"], row["source"]) for row in found}


def converted_revenue(
    revenue: ValidatedTable, day: date, currency: str | None, known: Callable[[], DataFrame | None]
) -> tuple[ValidatedTable, dict[str, Conversion]]:
    """Convert accepted revenue of `day` into `currency`, if that is not None, by the rows of `fx_rates` that are known.

    Returns
    -------
    ValidatedTable, dict
        The same table with converted rows, and what was converted, by currency.

    Raises
    ------
    InputError
        As `rates.require_rates`.
    """
    if currency is None:
        return revenue, {}
    sums = [found for found in currency_sums(revenue.good, "revenue_micros", "currency") if found.currency != currency]
    if not sums:
        return revenue, {}
    rates = rates_of(known(), day)
    require_rates(day, currency, sums, rates)
    used = {found.currency: rates[found.currency] for found in sums}
    rows = converted(with_originals(revenue.good, currency), currency, {name: r.rate for name, r in used.items()})
    after = {found.currency: found.micros for found in currency_sums(rows, "revenue_micros", "original_currency")}
    conversions = {
        found.currency: Conversion(
            currency=found.currency,
            into=currency,
            rate=used[found.currency].rate,
            source=used[found.currency].source,
            rows=found.rows,
            original_micros=found.micros,
            revenue_micros=after[found.currency],
        )
        for found in sums
    }
    return revenue.with_rows(rows), conversions
