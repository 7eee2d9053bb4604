"""The journal in the formats of other programs: Beancount's text and CSV.

Amounts keep the journal's signs: what an account gains is positive. Beancount adds signed numbers and so computes the
same balances.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, TextIO

from creatorpool.money import MICROS_PER_UNIT
from creatorpool.settlement.journal import ADVERTISERS, CASH, GOODWILL, HELD, PAYABLE, PLATFORM_SHARE, UNALLOCATED

Line = Mapping[str, Any]
"""A row of `journal`"""

COLUMNS = (
    *("booked_on", "entry_id", "line", "account", "payee_id", "amount_micros", "currency", "kind", "service_date"),
    "reference",
)
"""Columns of the CSV file, as in the table"""

_ROOTS = {
    ADVERTISERS: "Income:Advertisers",
    PLATFORM_SHARE: "Expenses:Platform:Share",
    GOODWILL: "Income:Platform:Goodwill",
    PAYABLE: "Liabilities:Payable",
    HELD: "Liabilities:Held",
    CASH: "Assets:Cash",
    UNALLOCATED: "Equity:Unallocated",
}


def beancount_account(account: str, payee_id: str | None) -> str:
    """The name of an account in Beancount; different accounts have different names, whatever ids are made of."""
    root, _, category = account.partition(f"{UNALLOCATED}:")
    name = _ROOTS[UNALLOCATED if category else root]
    own = category or payee_id
    return f"{name}:{_component(own)}" if own else name


def write_beancount(
    lines: Iterable[Line], accounts: Sequence[tuple[str, str | None]], first: date, out: TextIO
) -> None:
    """Write `lines`, sorted by booking day and entry, as transactions.

    Parameters
    ----------
    accounts : sequence
        Account and payee of every line, each once; they are opened on day `first`.
    """
    for name in sorted({beancount_account(*account) for account in accounts}):
        out.write(f"{first} open {name}\n")
    for (booked_on, entry_id), own in groupby(lines, lambda line: (line["booked_on"], line["entry_id"])):
        out.writelines(_transaction(booked_on, entry_id, own))


def write_csv(lines: Iterable[Line], out: TextIO) -> None:
    """Write `lines` as CSV with a header."""
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)


def _transaction(booked_on: date, entry_id: str, lines: Iterable[Line]) -> Iterator[str]:
    head: str | None = None
    for line in lines:
        if head is None:
            head = f'\n{booked_on} * "{line["kind"]}" "{line["service_date"] or booked_on}"\n  entry: "{entry_id}"\n'
            yield head
        account = beancount_account(line["account"], line["payee_id"])
        yield f"  {account}  {_decimal(line['amount_micros'])} {line['currency']}\n"
        if line["reference"] is not None:
            yield f"    reference: {json.dumps(line['reference'], ensure_ascii=False)}\n"


def _decimal(micros: int) -> str:
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}"


def _component(name: str) -> str:
    """A part of an account's name: ASCII letters and digits stay, each other byte becomes `-` and two digits."""
    return "N" + "".join(
        char if char.isascii() and char.isalnum() else "".join(f"-{byte:02X}" for byte in char.encode())
        for char in name
    )
