"""Two generations of a table's rows, compared by key; a part of the key may be null."""

from __future__ import annotations

from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.row_changes import RowChanges, row_changes
from creatorpool.tables import Warehouse

from .ingest_sources import good_revenue


def test_row_changes_count_added_removed_and_changed_rows(spark: SparkSession, warehouse: Warehouse) -> None:
    kept = [good_revenue(category="kept"), good_revenue(category="kept", placement="pulse", video_id="v1")]
    before = [*kept, good_revenue(category="gone"), good_revenue(category="grown")]
    now = [*kept, good_revenue(category="grown", revenue_micros=7), good_revenue(category="new")]

    old, new = (warehouse.frame(rows, "ad_revenue") for rows in (before, now))
    contract = load_contract("ad_revenue")

    found = row_changes(old, new, contract)
    assert found == RowChanges(before=4, now=4, added=1, removed=1, changed=1)
    assert not found.is_same
    assert row_changes(old, warehouse.frame(before[::-1], "ad_revenue"), contract).is_same
