"""A day's tables without the columns that differ from run to run, to compare the results of two runs."""

from __future__ import annotations

import json
from typing import Any

from creatorpool.contracts import load_contract
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

TABLES = (
    "events",
    "events_quarantine",
    "viewers",
    "viewers_quarantine",
    "videos",
    "videos_quarantine",
    "ad_revenue",
    "video_signals",
    "video_quality",
    "pool_revenue",
    "pool_payouts",
    "video_payouts",
    "creator_payouts",
    "allocation_runs",
    "payout_changes",
    "creator_statements",
)
VOLATILE = {
    "run_id",
    "code_version",
    "ingested_at",
    "started_at",
    "finished_at",
    "seconds",
    "input_versions",
    "output_versions",
}


def day_tables(root: Place) -> dict[str, list[str]]:
    """Every table's rows as sorted text, bit for bit, without the columns that name a run or a time."""
    warehouse = Warehouse(None, root)
    return {table: _rows(warehouse, table) for table in TABLES if warehouse.exists(table)}


def _rows(warehouse: Warehouse, table: str) -> list[str]:
    columns = [column.name for column in load_contract(table).columns if column.name not in VOLATILE]
    rows = warehouse.read_arrow(table, columns).to_pylist()
    # A republication that is killed after its commit and run again leaves one more superseded generation.
    return sorted(_text(row) for row in rows if row.get("status") != "superseded")


def _text(row: dict[str, Any]) -> str:
    # float.hex and not str: equal text is then equal bits.
    exact = {name: value.hex() if isinstance(value, float) else value for name, value in row.items()}
    return json.dumps(exact, sort_keys=True, default=str)
