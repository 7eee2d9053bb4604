"""Writes the payments of a closed month that are due as CSV, for whoever sends the money."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.errors import InputError, MissingTableError, SettlementError
from creatorpool.runs.published import published_version
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.currency import decimal_amount
from creatorpool.settlement.journal import CASH, PAYMENT
from creatorpool.settlement.months import month_name
from creatorpool.settlement.outcomes import DUE
from creatorpool.tables import Warehouse

COLUMNS = ("payment_id", "payee_id", "currency", "amount_minor", "amount")

Sums = dict[str, tuple[int, int]]
"""Number of payments and their micros, by currency"""


def export_due(warehouse: Warehouse, month: date, output: Path) -> Sums:
    """Write the payments of `month`, named by its last day, that are due; return their numbers and sums.

    Raises
    ------
    MissingTableError
        If the month is not closed.
    SettlementError
        If the payments of the month do not sum to what the journal has paid.
    InputError
        If the file cannot be written.
    """
    if published_version(warehouse, "payments", month) is None:
        raise MissingTableError(
            f"{month_name(month)} is not closed: run `creatorpool close --month {month_name(month)}`"
        )
    payments = published_arrow(warehouse, "payments", [month]).sort_by("payee_id")
    _require_journal_agrees(warehouse, month, payments)
    due = payments.filter(pc.equal(payments.column("status"), DUE))
    _write_whole(due, output)
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


def _write_whole(due: pa.Table, output: Path) -> None:
    partial = output.with_name(f".{output.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as out:
            _write(due, out)
        partial.replace(output)
    except OSError as error:
        raise InputError(f"--output {output} cannot be written: {error.strerror}") from error


def _write(due: pa.Table, out: TextIO) -> None:
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(due))


def _rows(due: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in due.to_batches():
        for row in batch.to_pylist():
            yield row | {"amount": decimal_amount(row["amount_minor"], row["currency"])}
