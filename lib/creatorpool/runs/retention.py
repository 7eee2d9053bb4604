"""Which versions of tables must stay readable, as the ledgers name them."""

from __future__ import annotations

import json
from datetime import datetime

from creatorpool.contracts import stage_tables
from creatorpool.runs.ledger import PUBLISHED, RUNNING, SIGNALS, as_json
from creatorpool.runs.pools import POOL_LEDGER
from creatorpool.tables import Warehouse


def named_versions(warehouse: Warehouse, since: datetime) -> dict[str, set[int]]:
    """By table, the versions that must stay readable.

    Those in which published days stand, whenever they were published; what unfinished runs would be undone to; and all
    that runs which finished `since` then read or wrote, so that they can be repeated.
    """
    named: dict[str, set[int]] = {}
    for table in ("stage_runs", POOL_LEDGER):
        rows = warehouse.read_arrow(table).to_pylist() if warehouse.exists(table) else []
        for row in rows:
            is_recent = row["finished_at"] is None or row["finished_at"] >= since
            if row["status"] == PUBLISHED or is_recent:
                _note(named, row["output_versions"])
            if is_recent or row["status"] == RUNNING:
                _note(named, row["input_versions"])
            elif row["status"] == PUBLISHED and table == POOL_LEDGER:
                # The scores that a day was paid by are published with its payouts.
                scores = {name: json.loads(row["input_versions"]).get(name) for name in stage_tables(SIGNALS)}
                _note(named, as_json(scores))
    return named


def _note(named: dict[str, set[int]], text: str | None) -> None:
    """Add the versions that a ledger's JSON names, at whatever depth; its other facts are not numbers of a table."""
    for table, version in json.loads(text or "{}").items():
        if table == "before":
            _note(named, as_json(version))
        elif isinstance(version, int):
            named.setdefault(table, set()).add(version)
