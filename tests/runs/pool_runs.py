"""Ledger rows of payouts for tests: ordinary except for the fields that a test names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from creatorpool.runs.pools import PoolRun

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def pool_run(**named: Any) -> PoolRun:
    """A published pool without money and without videos."""
    values: dict[str, Any] = {
        "day": date(2026, 11, 20),
        "category": "music",
        "run_id": "run-1",
        "pool_micros": 0,
        "paid_micros": 0,
        "unallocated_micros": 0,
        "videos_eligible": 0,
        "videos_paid": 0,
        "coverage": None,
        "nu": None,
        "iterations": None,
        "max_kkt_residual": None,
        "gini": None,
        "top1pct_share": None,
        "efficiency_moved_micros": None,
        "alpha": 0.5,
        "lambda_fair": 0.7,
        "lambda_eff": 0.3,
        "objective": "linear",
        "config_sha256": "0" * 64,
        "code_version": "test",
        "inputs": {},
        "outputs": {},
        "warning": None,
        "currency": "USD",
        "started_at": NOW,
        "finished_at": NOW,
        "seconds": None,
        "config_json": None,
        "carried_micros": 0,
        "carried_from": None,
    }
    return PoolRun(**values | named)
