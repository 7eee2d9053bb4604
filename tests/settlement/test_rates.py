"""Rates are exact decimals, and conversion is the exact product, rounded half to even; the messages name all of it."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.settlement.rates import (
    LARGEST_MICROS,
    SCALE,
    CurrencySum,
    Rate,
    converted_micros,
    require_rates,
    scaled_rate,
)

DAY = date(2026, 11, 20)
EUR = CurrencySum("EUR", 2, 10_000_000, 6_000_000)

rates = st.from_regex(r"[0-9]{1,12}([.][0-9]{1,12})?", fullmatch=True)
amounts = st.integers(-LARGEST_MICROS, LARGEST_MICROS)


@given(amounts, rates)
def test_conversion_is_the_exact_product_rounded_half_to_even(micros: int, rate: str) -> None:
    exact = micros * Fraction(rate)
    assert Fraction(scaled_rate(rate), SCALE) == Fraction(rate)
    assert converted_micros(micros, rate) == round(exact)  # round of a Fraction is half to even
    with localcontext(prec=60):
        by_decimals = (Decimal(micros) * Decimal(rate)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert converted_micros(micros, rate) == int(by_decimals)


@pytest.mark.parametrize(
    ("micros", "rate", "expected"),
    [
        (1, "0.5", 0),
        (3, "0.5", 2),
        (-1, "0.5", 0),
        (-3, "0.5", -2),
        (5, "0.5", 2),
        (1, "0.500000000001", 1),
        (7, "1", 7),
    ],
)
def test_halves_go_to_the_even_micro_whatever_the_sign(micros: int, rate: str, expected: int) -> None:
    assert converted_micros(micros, rate) == expected


def test_a_currency_without_a_rate_is_named_with_its_rows_and_their_sum() -> None:
    sums = [EUR, CurrencySum("GBP", 1, -250_000, 250_000), CurrencySum("JPY", 3, 30_000_000, 10_000_000)]
    with pytest.raises(InputError) as caught:
        require_rates(DAY, "USD", sums, {"JPY": Rate("0.0066", "bank")})
    message = str(caught.value)
    assert "rate_known: fx_rates has no rate of 2026-11-20 for EUR (2 rows, in sum 10.00 EUR) and GBP" in message
    assert "(1 row, in sum -0.25 GBP), so that they cannot be converted into USD" in message
    assert "creatorpool load fx_rates --source FILE" in message
    assert "JPY" not in message


@pytest.mark.parametrize("rate", ["1", "1.000", "01.0"])
def test_the_settlement_currency_itself_has_rate_1(rate: str) -> None:
    require_rates(DAY, "USD", [EUR], {"EUR": Rate("1.0864", "bank"), "USD": Rate(rate, "bank")})
    with pytest.raises(
        InputError, match=r"own_rate_is_one: USD is the settlement currency .* has rate 0.92 on 2026-11"
    ):
        require_rates(DAY, "USD", [EUR], {"EUR": Rate("1", "bank"), "USD": Rate("0.92", "bank")})


def test_an_amount_that_becomes_too_large_is_refused() -> None:
    largest = CurrencySum("EUR", 1, LARGEST_MICROS, LARGEST_MICROS)
    require_rates(DAY, "USD", [largest], {"EUR": Rate("1", "bank")})
    with pytest.raises(InputError, match=r"converted_in_range: 1,000,000,000.00 EUR of 2026-11-20 at rate 1.000000001"):
        require_rates(DAY, "USD", [largest], {"EUR": Rate("1.000000001", "bank")})
