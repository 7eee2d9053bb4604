"""Payments out and back: what came back is payable again, nothing is paid twice, and a report is taken whole."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from tests.stages.settled_days import DAY, NEXT, Books
from tests.stages.test_posting import require_balanced

from creatorpool.errors import InputError, MissingTableError
from creatorpool.report.payment_export import BankOrder, export_due
from creatorpool.settlement.bank_details import BankAccount
from creatorpool.settlement.outcomes import Outcome
from creatorpool.stages.booking_days import last_booking_day
from creatorpool.stages.closing import close_month
from creatorpool.stages.payments import import_outcomes
from creatorpool.stages.posting import post_day

SENT = date(2026, 12, 2)


def reported(books: Books, status: str, ids: Sequence[str] | None = None) -> list[Outcome]:
    rows = books.rows("payments")
    return [
        Outcome(row["payment_id"], status, row["amount_minor"], SENT)
        for row in rows
        if ids is None or row["payment_id"] in ids
    ]


@pytest.mark.once
def test_returned_payments_are_payable_again_and_reports_are_taken_once(books: Books, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match="2026-11 is not closed"):
        export_due(books.tables, NEXT, tmp_path / "due.csv")
    close_month(books.at(NEXT, "settlement.minimum_payment_micros=1"))
    before = books.balances("Payable", "Cash")
    sums = export_due(books.tables, NEXT, tmp_path / "due.csv")
    with (tmp_path / "due.csv").open() as text:
        due = list(csv.DictReader(text))
    assert sums == {"USD": (len(due), sum(row["amount_micros"] for row in books.rows("payments")))}
    assert all(int(row["amount_minor"]) == round(float(row["amount"]) * 100) for row in due)
    account = BankAccount("Own", "DE89370400440532013000")
    order = BankOrder({row["payee_id"]: account for row in due}, due[0]["payee_id"], SENT)
    with pytest.raises(InputError, match=f"payee '{order.debtor}' is named like the platform's own line"):
        export_due(books.tables, NEXT, tmp_path / "due.xml", order)
    assert not (tmp_path / "due.xml").exists()

    payments = sorted(row["payment_id"] for row in books.rows("payments"))
    last = last_booking_day(books.tables)
    slips = [replace(outcome, settled_on=date(2099, 12, 31)) for outcome in reported(books, "returned")[:1]]
    slips += [replace(outcome, settled_on=DAY) for outcome in reported(books, "paid")[1:2]]
    with pytest.raises(
        InputError, match=f"settled_on 2099-12-31, must be from {NEXT} to {last}.*settled_on {DAY}, must"
    ):
        import_outcomes(books.at(DAY), slips, "slips")
    assert {row["status"] for row in books.rows("payments")} == {"due"}
    back = payments[:2]
    assert import_outcomes(books.at(DAY), reported(books, "paid"), "first") == {NEXT: len(payments)}
    assert import_outcomes(books.at(DAY), reported(books, "paid"), "first") == {NEXT: len(payments)}
    with pytest.raises(InputError, match=f"has {len(payments)} faults, .* is paid already and cannot become paid"):
        import_outcomes(books.at(DAY), reported(books, "paid"), "second")
    import_outcomes(books.at(DAY), reported(books, "returned", back), "third")

    assert export_due(books.tables, NEXT, tmp_path / "due.csv") == {}
    post_day(books.at(SENT))
    post_day(books.at(SENT))
    require_balanced(books)
    returned = {row["payee_id"]: row["amount_micros"] for row in books.rows("payments") if row["status"] == "returned"}
    assert len(returned) == 2
    expected = dict(before)
    for payee, micros in returned.items():
        expected["Payable", payee] = expected.get(("Payable", payee), 0) + micros
        expected["Cash", payee] -= micros
    assert books.balances("Payable", "Cash") == {key: micros for key, micros in expected.items() if micros}
