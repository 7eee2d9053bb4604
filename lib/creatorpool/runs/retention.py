"""Finds the table versions that must stay readable, from the ledgers."""

from __future__ import annotations

import json
from datetime import datetime

from creatorpool.contracts import stage_tables
from creatorpool.runs.ledger import CLOSE, PUBLISHED, RESTATE, RUNNING, SIGNALS, as_json
from creatorpool.runs.pools import POOL_LEDGER
from creatorpool.runs.postings import HOLDS, postings
from creatorpool.runs.published import INVALID
from creatorpool.tables import Warehouse


def named_versions(warehouse: Warehouse, since: datetime) -> dict[str, set[int]]:
    """The versions of each table that must stay readable, by table.

    They are the versions in which days are published, and of the rights and holds by which entries were posted, however
    old; of the holds that months were closed by; of the invalid viewers that days were paid and restated without, which
    a close compares and statements name; of the rates by which revenue was converted; the versions that undoing an
    unfinished run would restore; and all versions that runs that ended after `since` read or wrote, so that these runs
    can be repeated.
    """
    named: dict[str, set[int]] = {}
    for posting in postings(warehouse).made:
        _add_versions(named, as_json(posting.versions))
    for table in ("stage_runs", POOL_LEDGER):
        rows = warehouse.read_arrow(table).to_pylist() if warehouse.exists(table) else []
        for row in rows:
            is_recent = row["finished_at"] is None or row["finished_at"] >= since
            if row["status"] == PUBLISHED or is_recent:
                _add_versions(named, row["output_versions"])
            if is_recent or row["status"] == RUNNING:
                _add_versions(named, row["input_versions"])
            elif row["status"] == PUBLISHED and table == POOL_LEDGER:
                # The scores that a day was paid from are published with its payouts.
                inputs = json.loads(row["input_versions"])
                kept = (*stage_tables(SIGNALS), INVALID)
                _add_versions(named, as_json({name: inputs.get(name) for name in kept}))
            elif row["status"] == PUBLISHED:
                # The rates that revenue was converted by are published with it, and so are rows of later days, and the
                # holds that a month was closed by.
                inputs = json.loads(row["input_versions"])
                own = {CLOSE: [HOLDS], RESTATE: [INVALID]}.get(row["stage"], [])
                kept = ("fx_rates", "latest", *own)
                _add_versions(named, as_json({name: inputs[name] for name in kept if name in inputs}))
    return named


def _add_versions(named: dict[str, set[int]], text: str | None) -> None:
    """Add the table versions in a ledger's JSON to `named`: all integers, also those of an ingestion's entries."""
    for table, version in json.loads(text or "{}").items():
        if table in ("before", "base", "latest"):
            _add_versions(named, as_json(version))
        elif isinstance(version, int):
            named.setdefault(table, set()).add(version)
