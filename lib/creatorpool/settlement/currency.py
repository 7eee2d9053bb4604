"""Minor units of currencies, by ISO 4217."""

from __future__ import annotations

from decimal import Decimal

from iso4217 import Currency

from creatorpool.errors import InputError

_DECIMALS_OF_A_MICRO = 6


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


def _exponent(code: str) -> int:
    try:
        exponent: int | None = Currency(code).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise InputError(f"'{code}' is no currency of ISO 4217 in which payments can be made")
    return exponent
