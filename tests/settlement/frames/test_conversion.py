"""Both engines convert as exact integers do, at every size that a row and a rate may have."""

from __future__ import annotations

import random
from fractions import Fraction

import pyarrow as pa
from pyspark.sql import SparkSession

from creatorpool.settlement.frames.conversion import converted, currency_sums, with_originals
from creatorpool.settlement.rates import LARGEST_MICROS

RATES = {
    "EUR": "1.086437219871",
    "GBP": "1.3",
    "JPY": "0.006512345678",
    "KWD": "3.249999999999",
    "VND": "0.000000000001",
    "XHF": "0.5",
    "XLG": "999999999999.999999999999",
    "XON": "1.000000000000",
}


def amounts(largest: int, seed: str) -> list[int]:
    own = random.Random(seed)
    edges = [0, 1, 2, 3, 999_999, 1_000_000, 1_000_001, largest - 1, largest]
    drawn = [own.randrange(10 ** own.randrange(1, 16)) for _ in range(400)]
    return [sign * min(size, largest) for size in (*edges, *drawn) for sign in (1, -1)]


def rows_of(rates: dict[str, str]) -> list[tuple[int, int, str]]:
    found = [
        (micros, currency)
        for currency, rate in rates.items()
        for micros in amounts(min(LARGEST_MICROS, int(LARGEST_MICROS / Fraction(rate))), currency)
    ]
    found += [(micros, "USD") for micros in amounts(LARGEST_MICROS, "USD")]
    return [(number, micros, currency) for number, (micros, currency) in enumerate(found)]


def test_every_row_has_the_exact_product_rounded_half_to_even(spark: SparkSession) -> None:
    given = rows_of(RATES)
    table = pa.Table.from_pylist(
        [
            {"category": str(number), "revenue_micros": micros, "currency": currency, "fx_rate": None}
            for number, micros, currency in given
        ],
        schema=pa.schema(
            {"category": pa.string(), "revenue_micros": pa.int64(), "currency": pa.string(), "fx_rate": pa.string()}
        ),
    )
    revenue = spark.createDataFrame(table)
    found = converted(with_originals(revenue, "USD"), "USD", RATES)

    by_number = {int(row["category"]): row for row in found.collect()}
    assert len(by_number) == len(given)
    for number, micros, currency in given:
        row = by_number[number]
        is_own = currency == "USD"
        other = (round(micros * Fraction(RATES.get(currency, "1"))), micros, currency, RATES.get(currency))
        expected = (micros, None, None, None) if is_own else other
        got = (row["revenue_micros"], row["original_amount_micros"], row["original_currency"], row["fx_rate"])
        assert (got, row["currency"]) == (expected, "USD"), (micros, currency)

    sums = currency_sums(found, "original_amount_micros", "original_currency")
    assert [one.currency for one in sums] == sorted(RATES)
    for one in sums:
        own = [micros for _, micros, currency in given if currency == one.currency]
        assert (one.rows, one.micros, one.largest) == (len(own), sum(own), max(map(abs, own)))
