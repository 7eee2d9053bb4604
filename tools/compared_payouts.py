"""Compares the payouts of two warehouses, row by row, and prints their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from creatorpool.tables import Warehouse

PAYOUTS = {
    "pool_payouts": ["category", "video_id", "bound", "payout_micros"],
    "video_payouts": ["video_id", "payout_micros", "total_micros"],
    "creator_payouts": ["creator_id", "payout_micros", "total_micros"],
}
"""Columns of each table that are compared; the last column is summed."""


def print_compared(out: Console, warehouses: Mapping[str, Warehouse]) -> int:
    """Print a table of two warehouses, each with its name; return 0 if every payout is the same, else 1."""
    table = Table("table", "rows", *(f"micros, {name}" for name in warehouses), "rows that differ")
    differing = 0
    for name, columns in PAYOUTS.items():
        rows = [_rows(warehouse, name, columns) for warehouse in warehouses.values()]
        here = (Counter(rows[0]) - Counter(rows[1])).total() + (Counter(rows[1]) - Counter(rows[0])).total()
        table.add_row(name, f"{len(rows[0]):,}", *(f"{sum(row[-1] for row in side):,}" for side in rows), str(here))
        differing += here
    out.print(table)
    out.print("The payouts differ." if differing else "Every payout is the same.")
    return 1 if differing else 0


def _rows(warehouse: Warehouse, name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    rows: pa.Table = warehouse.read_arrow(name, columns)
    return [tuple(row.values()) for row in rows.to_pylist()]
