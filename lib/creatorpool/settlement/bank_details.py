"""Bank details of payees and of the platform, read from files at an export and never stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from creatorpool.errors import InputError
from creatorpool.quoting import quoted, shortened_list
from creatorpool.settlement.csv_lines import read_lines
from creatorpool.storage.places import Place
from creatorpool.wording import number_of

COLUMNS = ("payee_id", "name", "iban", "bic")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_LONGEST_NAME = 140
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no document of XML 1.0 can hold, escaped or not"""


@dataclass(frozen=True)
class BankAccount:
    """An account and whose it is; without a BIC the bank follows from the IBAN."""

    name: str
    iban: str
    bic: str | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= _LONGEST_NAME:
            raise InputError(f"a name of 1 to {_LONGEST_NAME} characters is needed, got '{quoted(self.name)}'")
        if found := _NOT_IN_XML.search(self.name):
            unknown = f"U+{ord(found[0]):04X}"
            raise InputError(f"the name '{quoted(self.name)}' has {unknown}, which XML cannot hold: leave it out")
        if not _IBAN.fullmatch(self.iban) or _remainder(self.iban) != 1:
            raise InputError(f"'{quoted(self.iban)}' is no IBAN")
        if self.bic is not None and not _BIC.fullmatch(self.bic):
            raise InputError(f"'{quoted(self.bic)}' is no BIC")


def read_accounts(path: Place) -> dict[str, BankAccount]:
    """The accounts in a CSV file with columns payee_id, name, iban and bic (may be empty), by payee.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has lines that are wrong; the message names all of them.
    """
    found: dict[str, BankAccount] = {}
    faults = []
    for number, row in read_lines(path, COLUMNS).rows:
        payee = row["payee_id"] or ""
        try:
            if payee in found:
                raise InputError(f"payee '{quoted(payee)}' has two accounts")
            iban = (row["iban"] or "").replace(" ", "")
            found[payee] = BankAccount(row["name"] or "", iban, row["bic"] or None)
        except InputError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}")
    return found


def require_accounts(accounts: Mapping[str, BankAccount], payees: Sequence[str]) -> None:
    """Raise InputError, with their number and names, if some of `payees` have no account."""
    if missing := [payee for payee in payees if payee not in accounts]:
        raise InputError(
            f"--accounts has no bank account of {number_of(len(missing), 'payee')}: {shortened_list(missing)}; add "
            f"a line for each"
        )


def _remainder(iban: str) -> int:
    """The remainder of ISO 7064, which is 1 for a valid IBAN."""
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97
