"""The journal in Beancount's text: its own library loads it and computes the same balances."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.settlement.export import beancount_account, write_beancount, write_csv

loader = pytest.importorskip("beancount.loader")

DAY = date(2026, 11, 20)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=6)


def line(account: str, micros: int, payee: str | None = None, **others: Any) -> dict[str, Any]:
    own = {"booked_on": DAY, "entry_id": "e1", "line": 1, "account": account, "payee_id": payee}
    facts = {"currency": "USD", "kind": "night", "service_date": DAY, "reference": None}
    return own | {"amount_micros": micros} | facts | others


def loaded(lines: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    out = io.StringIO()
    write_beancount(lines, list({(row["account"], row["payee_id"]) for row in lines}), DAY, out)
    entries, errors, _ = loader.load_string(out.getvalue())
    assert errors == []
    found: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        for posting in getattr(entry, "postings", []):
            key = posting.account, posting.units.currency
            found[key] = found.get(key, Decimal(0)) + posting.units.number
    return found


@given(NAMES, NAMES)
@settings(max_examples=20)
def test_any_id_becomes_an_account_of_its_own(one: str, other: str) -> None:
    lines = [line("Advertisers", -5, reference=one), line("Payable", 3, one), line("Held", 2, other, reference=other)]

    assert loaded(lines) == {
        ("Income:Advertisers", "USD"): Decimal("-0.000005"),
        (beancount_account("Payable", one), "USD"): Decimal("0.000003"),
        (beancount_account("Held", other), "USD"): Decimal("0.000002"),
    }
    assert (beancount_account("Payable", one) == beancount_account("Payable", other)) == (one == other)


def test_an_entry_that_does_not_sum_to_0_is_an_error_for_beancount() -> None:
    out = io.StringIO()
    lines = [line("Advertisers", -5_000_000), line("Payable", 3_000_000, "a")]
    write_beancount(lines, [("Advertisers", None), ("Payable", "a")], DAY, out)
    assert loader.load_string(out.getvalue())[1]


def test_csv_has_the_columns_of_the_table() -> None:
    out = io.StringIO()
    write_csv([line("Unallocated:news", 7, reference="news")], out)
    assert out.getvalue().splitlines() == [
        "booked_on,entry_id,line,account,payee_id,amount_micros,currency,kind,service_date,reference",
        "2026-11-20,e1,1,Unallocated:news,,7,USD,night,2026-11-20,news",
    ]
    assert beancount_account("Unallocated:news", None) == "Equity:Unallocated:Nnews"
