"""Minor units of currencies, by ISO 4217."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from iso4217 import Currency

from creatorpool.errors import InputError

NO_CURRENCY = "XXX"
"""ISO 4217's code for no currency, in which made-up money is"""
_DECIMALS_OF_A_MICRO = 6


def has_minor_units(code: str) -> bool:
    """Whether ISO 4217 has the currency, with minor units: else no payment can be made in it, as in gold."""
    return _known_exponent(code) is not None


def micros_per_minor_unit(code: str) -> int:
    """Micros in the smallest amount that can be paid in a currency: 10,000 for USD, 1,000,000 for JPY.

    Raises
    ------
    InputError
        If ISO 4217 has no such currency, or it has no minor units, such as gold.
    """
    return int(10 ** (_DECIMALS_OF_A_MICRO - _exponent(code)))


def decimal_amount(minor: int, code: str) -> str:
    """Minor units as a decimal number of the currency's unit, such as ``12.05``; errors as above."""
    return str(Decimal(minor).scaleb(-_exponent(code)))


def settle_in_another(day: date, code: str) -> str:
    """What to do with revenue of `day` in a currency without minor units, for the end of a message."""
    return (
        f"set settlement.currency to a currency with minor units, such as USD, and deliver fx_rates with the rate of "
        f"{day} for {code}"
    )


def _known_exponent(code: str) -> int | None:
    try:
        exponent: int | None = Currency(code).exponent
    except ValueError:
        return None
    return exponent


def _exponent(code: str) -> int:
    exponent = _known_exponent(code)
    if exponent is None:
        raise InputError(f"'{code}' is no currency of ISO 4217 in which payments can be made")
    return exponent
