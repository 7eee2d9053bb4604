"""What is published: each day of a stage's tables, in the version that the ledger names."""

from __future__ import annotations

import json
from datetime import date
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame

from creatorpool.pipeline.allocation import PAYOUT_TABLES
from creatorpool.runs.ledger import PUBLISHED, published_runs
from creatorpool.tables import Warehouse, arrow_schema

STAGE_TABLES = (
    *("video_signals", "video_quality", "payout_changes", "allocation_frontier", "rule_comparison", "integrity_audit"),
    *("cohort_incentives", "continuation_values", "policy_advice", "item_similarity", "candidates"),
    *("p2c_parameters", "delivery_plan", "creator_statements"),
)
"""Tables of which a stage publishes one day at a time, by its row in `stage_runs`."""


def published_rows(warehouse: Warehouse, table: str) -> DataFrame:
    """Rows of `table` that are published; all rows of a table that no stage publishes by day, such as the ledgers."""
    if table not in (*STAGE_TABLES, *PAYOUT_TABLES):
        return warehouse.read(table)
    days = [warehouse.read(table, day=day, version=version) for day, version in _versions(warehouse, table)]
    return reduce(DataFrame.unionByName, days) if days else warehouse.read(table).where("false")


def published_arrow(warehouse: Warehouse, table: str) -> pa.Table:
    """The same rows for readers without an engine, such as Polars and DuckDB."""
    if table not in (*STAGE_TABLES, *PAYOUT_TABLES):
        return warehouse.read_arrow(table)
    days = [warehouse.read_arrow(table, day=day, version=version) for day, version in _versions(warehouse, table)]
    return pa.concat_tables(days) if days else arrow_schema(warehouse.contract(table)).empty_table()


def _versions(warehouse: Warehouse, table: str) -> list[tuple[date, int]]:
    """The published days of `table`, each with the version in which it stands."""
    if table in STAGE_TABLES:
        runs = sorted(published_runs(warehouse), key=lambda run: run.finished_at)
        return sorted({run.day: run.outputs[table] for run in runs if table in run.outputs}.items())
    if not warehouse.exists("allocation_runs"):
        return []
    rows = warehouse.read_arrow("allocation_runs", ["date", "status", "output_versions"]).to_pylist()
    published = [row for row in rows if row["status"] == PUBLISHED]
    return sorted({row["date"]: json.loads(row["output_versions"])[table] for row in published}.items())


def last_paid_before(warehouse: Warehouse, day: date) -> date | None:
    """The last day before `day` of which payouts are published."""
    if not warehouse.exists("allocation_runs"):
        return None
    rows = warehouse.read_arrow("allocation_runs", ["date", "status"]).to_pylist()
    return max((row["date"] for row in rows if row["status"] == PUBLISHED and row["date"] < day), default=None)
