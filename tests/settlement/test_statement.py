"""A payee's statement for a month: every amount with its reason in words, and the numbers add up on the page."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest

from creatorpool.errors import SettlementError
from creatorpool.settlement.statement import as_csv, as_html, as_text, month_statement

DAY = date(2026, 11, 29)
END = date(2026, 11, 30)


def line(account: str, kind: str, micros: int, reference: str | None = None, **others: Any) -> dict[str, Any]:
    own = {"booked_on": DAY, "entry_id": "e", "service_date": DAY, "account": account, "kind": kind}
    return own | {"amount_micros": micros, "reference": reference} | others


BALANCE = {
    "payee_id": "<band>",
    "month": "2026-11",
    "currency": "USD",
    "opening_micros": 5_000_000,
    "closing_micros": 7_450,
    "held_balance_micros": 500_000,
    "reason": "paid",
}
LINES = [
    line("Payable", "night", 9_000_000),
    line("Held", "night", 1_000_000, "h1"),
    line("Payable", "adjustment", -2_000_000, entry_id="a"),
    line("Payable", "release", 500_000, "h1"),
    line("Held", "release", -500_000, "h1"),
    line("Payable", "payment", -12_492_550, "p1", booked_on=END),
]
REASONS = {"a": {"reason_code": "invalid_viewers", "note": "click farm"}}
HOLDS = {"h1": {"reason_code": "dispute", "note": None}}


def test_each_amount_has_its_reason_and_the_lines_sum_to_the_closing() -> None:
    statement = month_statement(BALANCE, LINES, REASONS, HOLDS)

    rows = list(statement.rows)
    assert rows == [
        ("", "carried from the month before", 5_000_000),
        ("2026-11-29", "adjusted for 2026-11-29: viewers who were found to be invalid (click farm)", -2_000_000),
        ("2026-11-29", "earned for 2026-11-29", 10_000_000),
        ("2026-11-29", "held: hold h1, dispute", -1_000_000),
        ("2026-11-29", "released: hold h1, dispute", 500_000),
        ("2026-11-30", "paid, payment p1", -12_492_550),
        ("", "carried to the next month: paid; less than the smallest unit is carried", 7_450),
    ]
    assert sum(micros for *_, micros in rows[:-1]) == rows[-1][2]
    printed = as_text(statement)
    assert "Payee <band>: statement of 2026-11, in USD" in printed
    assert "On hold when the month ended: 0.50" in printed
    read = list(csv.DictReader(io.StringIO(as_csv(statement))))
    assert [int(row["micros"]) for row in read] == [micros for *_, micros in rows]
    page = as_html(statement)
    assert "Payee &lt;band&gt;" in page
    assert page.count("<tr>") == len(rows)


def test_lines_that_do_not_lead_to_the_closing_are_refused() -> None:
    with pytest.raises(SettlementError, match="does not lead from the opening of payee '<band>' to the closing"):
        month_statement(BALANCE, LINES[:-1], REASONS, HOLDS)
