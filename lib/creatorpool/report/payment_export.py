"""Writes the payments of a closed month that are due, as CSV or as pain.001, for whoever sends the money."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.errors import InputError, SettlementError
from creatorpool.quoting import quoted
from creatorpool.report.output_file import whole_file
from creatorpool.runs.identity import now
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.bank_details import BankAccount, require_accounts
from creatorpool.settlement.currency import decimal_amount
from creatorpool.settlement.journal import CASH, PAYMENT
from creatorpool.settlement.months import month_name
from creatorpool.settlement.outcomes import DUE
from creatorpool.stages.books import require_closed
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

COLUMNS = ("payment_id", "payee_id", "currency", "amount_minor", "amount")

Sums = dict[str, tuple[int, int]]
"""Number of payments and their micros, by currency"""


@dataclass(frozen=True)
class BankOrder:
    """What pain.001 needs beside the payments: accounts by payee, the platform's own among them, and when to send."""

    accounts: Mapping[str, BankAccount]
    debtor: str
    """Name of the platform's own line in `accounts`, which is no payee's"""
    execution: date


def export_due(warehouse: Warehouse, month: date, output: Place, order: BankOrder | None = None) -> Sums:
    """Write the payments of `month`, named by its last day, that are due; return their numbers and sums.

    With `order` the file is a message pain.001.001.09, else CSV.

    Raises
    ------
    MissingTableError
        If the month is not closed.
    SettlementError
        If the payments of the month do not sum to what the journal has paid.
    InputError
        If the file cannot be written, a payee or the platform has no bank account, a payee is named like the platform's
        line, or no payment is due for a message.
    """
    require_closed(warehouse, month)
    payments = published_arrow(warehouse, "payments", [month]).sort_by("payee_id")
    _require_journal_agrees(warehouse, month, payments)
    due = payments.filter(pc.equal(payments.column("status"), DUE))
    _write(output, due, order)
    return _sums(due)


def _require_journal_agrees(warehouse: Warehouse, month: date, payments: pa.Table) -> None:
    lines = published_arrow(warehouse, "journal", [month])
    is_paid = pc.and_(pc.equal(lines.column("kind"), PAYMENT), pc.equal(lines.column("account"), CASH))
    booked, sent = _sums(lines.filter(is_paid)), _sums(payments)
    if booked != sent:
        raise SettlementError(
            f"the payments of {month_name(month)} are {sent} and the journal has paid {booked} (number and micros by "
            f"currency): nothing is written; run `creatorpool verify --month {month_name(month)}`"
        )


def _sums(rows: pa.Table) -> Sums:
    found = rows.group_by("currency").aggregate([("amount_micros", "count"), ("amount_micros", "sum")]).to_pylist()
    return {row["currency"]: (row["amount_micros_count"], row["amount_micros_sum"]) for row in found}


def _write(output: Place, due: pa.Table, order: BankOrder | None) -> None:
    message = None if order is None else _message(due, order)
    with whole_file(output) as out:
        if message is None:
            _write_csv(due, out)
        else:
            out.write(message)


def _message(due: pa.Table, order: BankOrder) -> str:
    if not due.num_rows:
        raise InputError("no payment is due, and a pain.001 message needs one")
    payees = due.column("payee_id").to_pylist()
    if order.debtor in payees:
        raise InputError(
            f"payee '{quoted(order.debtor)}' is named like the platform's own line in --accounts, so that the platform "
            f"would get the payee's money: give its line another payee_id, and name that with --debtor"
        )
    require_accounts(order.accounts, [order.debtor, *payees])
    from creatorpool.settlement.credit_transfer import Transfer, credit_transfer

    transfers = [
        Transfer(row["payment_id"], order.accounts[row["payee_id"]], row["currency"], Decimal(row["amount"]))
        for row in _rows(due)
    ]
    return credit_transfer(transfers, order.accounts[order.debtor], now(), order.execution)


def _write_csv(due: pa.Table, out: TextIO) -> None:
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(due))


def _rows(due: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in due.to_batches():
        for row in batch.to_pylist():
            yield row | {"amount": decimal_amount(row["amount_minor"], row["currency"])}
