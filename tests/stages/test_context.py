"""What a run writes is checked as it was written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.errors import TableGuardError
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


def test_written_rows_that_are_lost_before_they_are_checked_stop_the_run(spark: SparkSession, tmp_path: Path) -> None:
    context = RunContext(Warehouse(spark, tmp_path), load_settings(), DAY)
    money = {"payout_micros": 1, "pulse_micros": 0, "total_micros": 1, "videos_paid": 1, "currency": "USD"}
    rows = [{"date": DAY, "creator_id": creator, **money} for creator in ("a", "b")]
    staged = context.warehouse.stage_day(context.warehouse.frame(rows, "creator_payouts"), "creator_payouts", DAY)
    assert context.check_staged(staged).count() == 2

    for file in (tmp_path / "creator_payouts" / staged.folder).glob("*.parquet"):
        file.unlink()

    with pytest.raises(TableGuardError, match="creator_payouts: 2 rows were written and 0 read back"):
        context.check_staged(staged)
