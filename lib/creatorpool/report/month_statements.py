"""The statements of a payee for a closed month, from the published rows; no engine is needed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.errors import InputError
from creatorpool.runs.published import published_versions
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.journal import ADJUSTMENT, HELD, PAYABLE, Entry
from creatorpool.settlement.months import first_day, month_name
from creatorpool.settlement.statement import MonthStatement, month_statement
from creatorpool.stages.books import require_closed
from creatorpool.tables import Warehouse


def payee_statements(warehouse: Warehouse, month: date, payee_id: str) -> list[MonthStatement]:
    """The statements of a payee for `month`, named by its last day: one for each currency.

    Raises
    ------
    MissingTableError
        If the month is not closed.
    InputError
        If the payee has no balance in it.
    """
    require_closed(warehouse, month)
    balances = _of_payee(published_arrow(warehouse, "payee_balances", [month]), payee_id)
    if not balances:
        raise InputError(f"payee '{payee_id}' has no balance in {month_name(month)}")
    days = [day for day in published_versions(warehouse, "journal") if first_day(month) <= day <= month]
    lines = [
        line
        for line in _of_payee(published_arrow(warehouse, "journal", days), payee_id)
        if line["account"] in (PAYABLE, HELD)
    ]
    reasons, holds = _reasons(warehouse, lines), _holds(warehouse)
    return [
        month_statement(row, [line for line in lines if line["currency"] == row["currency"]], reasons, holds)
        for row in sorted(balances, key=lambda row: str(row["currency"]))
    ]


def _of_payee(rows: pa.Table, payee_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows.filter(pc.equal(rows.column("payee_id"), payee_id)).to_pylist()
    return found


def _reasons(warehouse: Warehouse, lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    days = {line["service_date"] for line in lines if line["kind"] == ADJUSTMENT}
    rows = published_arrow(warehouse, "pool_adjustments", days).to_pylist() if days else []
    return {Entry(ADJUSTMENT, row["service_date"], str(row["sequence"])).entry_id: row for row in rows}


def _holds(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    rows = warehouse.read_arrow("holds").to_pylist() if warehouse.exists("holds") else []
    return {row["hold_id"]: row for row in rows}
