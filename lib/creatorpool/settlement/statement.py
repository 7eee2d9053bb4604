"""A payee's statement for a month: each amount of the books with its reason in words; its lines sum to the closing."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from creatorpool.errors import SettlementError
from creatorpool.html_page import html_page
from creatorpool.money import in_exact_units
from creatorpool.quoting import one_line
from creatorpool.settlement.journal import ADJUSTMENT, HELD, HOLD, NIGHT, PAYABLE, PAYMENT, RELEASE, RETURN

REASONS = {
    "late_events": "events that arrived late",
    "invalid_viewers": "viewers who were found to be invalid",
    "revenue_corrected": "corrected revenue",
    "compliance": "compliance",
    "error": "an error that was corrected",
}
"""Why a day was restated, in words"""
CLOSINGS = {
    "paid": "paid; less than the smallest unit is carried",
    "below_threshold": "below the smallest payment, so it is carried to the next month",
    "negative": "negative, so it is carried to the next month",
    "on_hold": "a hold keeps the payee from being paid, so it is carried to the next month",
    "nothing_payable": "nothing is payable",
}
"""Why a payee is paid or not, in words"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One line of a statement: when it was booked, what it is, and micros, negative where the payee gets less."""

    booked_on: date
    text: str
    micros: int


@dataclass(frozen=True)
class MonthStatement:
    """A payee's month in one currency."""

    payee_id: str
    month: str
    currency: str
    opening: int
    items: Sequence[Item]
    closing: int
    held: int
    """On hold when the month ended"""
    reason: str

    @property
    def rows(self) -> Iterator[tuple[str, str, int]]:
        """Day, text and micros of each line, from the opening to the closing."""
        yield "", "carried from the month before", self.opening
        yield from ((item.booked_on.isoformat(), item.text, item.micros) for item in self.items)
        yield "", f"carried to the next month: {CLOSINGS[self.reason]}", self.closing


def month_statement(
    balance: Row, lines: Iterable[Row], reasons: Mapping[str, Row], holds: Mapping[str, Row]
) -> MonthStatement:
    """The statement of a row of `payee_balances`.

    Parameters
    ----------
    lines
        The payee's lines of the journal of the month on accounts `Payable` and `Held`, in the row's currency.
    reasons
        By entry of the journal, the row of `pool_adjustments` that it books: its `reason_code` and `note`.
    holds
        The rows of `holds` by id.

    Raises
    ------
    SettlementError
        If the lines do not sum from the opening to the closing.
    """
    items = [item for line in lines for item in _items(line, reasons, holds)]
    merged: dict[tuple[date, str], int] = {}
    for item in items:
        merged[item.booked_on, item.text] = merged.get((item.booked_on, item.text), 0) + item.micros
    kept = [Item(day, text, micros) for (day, text), micros in sorted(merged.items()) if micros]
    if balance["opening_micros"] + sum(item.micros for item in kept) != balance["closing_micros"]:
        raise SettlementError(
            f"the journal of {balance['month']} does not lead from the opening of payee '{balance['payee_id']}' to the "
            f"closing: run `creatorpool verify --month {balance['month']}`"
        )
    return MonthStatement(
        payee_id=balance["payee_id"],
        month=balance["month"],
        currency=balance["currency"],
        opening=balance["opening_micros"],
        items=kept,
        closing=balance["closing_micros"],
        held=balance["held_balance_micros"],
        reason=balance["reason"],
    )


def _items(line: Row, reasons: Mapping[str, Row], holds: Mapping[str, Row]) -> Iterator[Item]:
    """What a line does to what is payable; what is earned and held at once is both."""
    day, kind, micros = line["booked_on"], line["kind"], line["amount_micros"]
    if kind == NIGHT:
        yield Item(day, f"earned for {line['service_date']}", micros)
    elif kind == ADJUSTMENT:
        yield Item(day, f"adjusted for {line['service_date']}: {_restated(reasons[line['entry_id']])}", micros)
    if line["account"] == HELD and kind in (NIGHT, ADJUSTMENT):
        yield Item(day, f"held: {_held(line['reference'], holds)}", -micros)
    if line["account"] != PAYABLE:
        return
    if kind == HOLD:
        yield Item(day, f"held: {_held(line['reference'], holds)}", micros)
    elif kind == RELEASE:
        yield Item(day, f"released: {_held(line['reference'], holds)}", micros)
    elif kind == PAYMENT:
        yield Item(day, f"paid, payment {line['reference']}", micros)
    elif kind == RETURN:
        yield Item(day, f"came back, payment {line['reference']}", micros)


def _restated(row: Row) -> str:
    return _with_note(REASONS[row["reason_code"]], row["note"])


def _held(hold_id: str, holds: Mapping[str, Row]) -> str:
    hold = holds.get(hold_id)
    return f"hold {hold_id}" if hold is None else _with_note(f"hold {hold_id}, {hold['reason_code']}", hold["note"])


def _with_note(text: str, note: str | None) -> str:
    return f"{text} ({note})" if note else text


def as_text(statement: MonthStatement) -> str:
    """The statement as plain text."""
    rows = [(day, one_line(text), in_exact_units(micros)) for day, text, micros in statement.rows]
    width = max(len(text) for _, text, _ in rows)
    money = max(len(amount) for _, _, amount in rows)
    head = f"Payee {one_line(statement.payee_id)}: statement of {statement.month}, in {statement.currency}"
    body = [f"  {day:<10}  {text:<{width}}  {amount:>{money}}" for day, text, amount in rows]
    return "\n".join([head, *body, f"  On hold when the month ended: {in_exact_units(statement.held)}"]) + "\n"


def as_csv(statement: MonthStatement) -> str:
    """The statement as CSV with amounts in micros."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("payee_id", "month", "currency", "booked_on", "text", "micros"))
    writer.writerows((statement.payee_id, statement.month, statement.currency, *row) for row in statement.rows)
    return out.getvalue()


def as_html(statement: MonthStatement) -> str:
    """The statement as one page that loads nothing."""
    cells = "\n".join(
        f"<tr><td>{day}</td><td>{html.escape(one_line(text))}</td>"
        f'<td style="text-align: right">{in_exact_units(micros)}</td></tr>'
        for day, text, micros in statement.rows
    )
    body = (
        f'<body style="font-family: sans-serif"><h1>Payee {html.escape(one_line(statement.payee_id))}</h1>'
        f"<p>Statement of {statement.month}, in {statement.currency}. On hold when the month ended: "
        f"{in_exact_units(statement.held)}.</p><table>\n{cells}\n</table></body>"
    )
    return html_page(f"Statement of {statement.month}", body)
