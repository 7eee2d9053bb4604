"""Amounts converted by exchange rates, which are exact decimals: half to even, to the micro."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from creatorpool.errors import InputError
from creatorpool.money import in_exact_units
from creatorpool.wording import number_of

DECIMALS = 12
"""Decimals that a rate may have, by contract `fx_rates`"""
SCALE: int = 10**DECIMALS
LARGEST_MICROS = 10**15
"""The largest amount of a row of `ad_revenue`, by its contract"""


@dataclass(frozen=True)
class Rate:
    """Units of the settlement currency for one unit of another, as text such as ``1.0864``, and who quotes them."""

    rate: str
    source: str


@dataclass(frozen=True)
class CurrencySum:
    """The day's revenue in one currency: rows, their sum, and the largest amount of a row without its sign."""

    currency: str
    rows: int
    micros: int
    largest: int


@dataclass(frozen=True)
class Conversion:
    """A day's revenue in one currency as it was converted into another: number of rows, rate, and both sums."""

    currency: str
    into: str
    rate: str
    source: str
    rows: int
    original_micros: int
    revenue_micros: int

    def sentence(self) -> str:
        """``ad_revenue: 2 rows in EUR, in sum 10.00 EUR, became 10.864 USD at rate 1.0864 (bank)``."""
        return (
            f"ad_revenue: {number_of(self.rows, 'row')} in {self.currency}, in sum "
            f"{in_exact_units(self.original_micros, self.currency)}, became "
            f"{in_exact_units(self.revenue_micros, self.into)} at rate {self.rate} ({self.source})"
        )


def scaled_rate(rate: str) -> int:
    """A rate in parts of 1 / `SCALE`, exactly."""
    units, _, decimals = rate.partition(".")
    return int(units) * SCALE + int(decimals.ljust(DECIMALS, "0"))


def converted_micros(micros: int, rate: str) -> int:
    """`micros` of one currency in micros of the settlement currency: the exact product, halves to the even micro."""
    whole, rest = divmod(abs(micros) * scaled_rate(rate), SCALE)
    is_up = 2 * rest > SCALE or (2 * rest == SCALE and whole % 2 == 1)
    rounded = whole + is_up
    return -rounded if micros < 0 else rounded


def require_rates(day: date, currency: str, sums: Sequence[CurrencySum], rates: Mapping[str, Rate]) -> None:
    """Check that all `sums` of `day` can be converted into `currency` by `rates`, the day's rates by currency.

    Raises
    ------
    InputError
        If `currency` itself has another rate than 1, a currency has no rate, or an amount would become too large; the
        message names the rule, the day, each currency, its rows and their sum.
    """
    own = rates.get(currency)
    if own is not None and scaled_rate(own.rate) != SCALE:
        raise InputError(other_base(currency, own.rate, day))
    if unknown := [found for found in sums if found.currency not in rates]:
        raise InputError(
            f"ad_revenue: rate_known: fx_rates has no rate of {day} for {_named(unknown)}, so that they cannot be "
            f"converted into {currency} (settlement.currency), and nothing is written: deliver fx_rates with the day, "
            f"or run `creatorpool load fx_rates --source FILE` with a row of {day} for each currency; then run again"
        )
    for found in sums:
        rate = rates[found.currency].rate
        if converted_micros(found.largest, rate) > LARGEST_MICROS:
            raise InputError(
                f"ad_revenue: converted_in_range: {in_exact_units(found.largest, found.currency)} of {day} at rate "
                f"{rate} is more than {in_exact_units(LARGEST_MICROS, currency)}, the most that a row may have: "
                f"correct the rate in fx_rates, or the amount"
            )


def other_base(currency: str, rate: str, day: date) -> str:
    """The message for rates that are not units of the settlement currency, because its own rate is not 1."""
    return (
        f"fx_rates: own_rate_is_one: {currency} is the settlement currency (settlement.currency) and has rate {rate} "
        f"on {day}: a rate is units of {currency} for one unit of another currency, so that these rates would give "
        f"wrong amounts; deliver rates against {currency}, with 1 or no row for {currency} itself"
    )


def _named(sums: Sequence[CurrencySum]) -> str:
    return " and ".join(
        f"{found.currency} ({number_of(found.rows, 'row')}, in sum {in_exact_units(found.micros, found.currency)})"
        for found in sums
    )
