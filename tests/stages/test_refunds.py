"""Refunds in a night: they lower their category's pool, and the excess is carried from day to day."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.allocation.carry import taken
from creatorpool.allocation.frames.payouts import settle_ties
from creatorpool.allocation.revenue import net_micros
from creatorpool.errors import RunInProgressError
from creatorpool.runs.pools import day_outputs, pool_records, publish_pools, published_pools
from creatorpool.settings import load_settings
from creatorpool.stages import allocation
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.signals import publish_signals
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import require_verified, verify_day
from creatorpool.verification.reproduction import reproduce_day

pytestmark = pytest.mark.once  # whole nights through one session

FIRST = date(2026, 11, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
MARKET = SyntheticMarket(seed=3, n_events=200, n_videos=20, revenue_micros_per_event={"comedy": 900, "music": 1_600})
COMEDY = [(5_000_000, -8_000_000), (0, 0), (5_000_000, -1_000_000)]
"""Gross revenue and refunds of comedy by day; (0, 0) means a day without a row"""


def night(spark: SparkSession, root: Path, day: date, **options: Any) -> RunContext:
    return RunContext(
        Warehouse(spark, root), load_settings(assignments=["contracts.data_docs=false", TOLERANT]), day, **options
    )


def book(path: Path, day: date, gross: int, refunds: int) -> None:
    """Replace comedy's generated revenue of the day."""
    table = pq.read_table(path)
    rows = [row for row in table.to_pylist() if row["category"] != "comedy" or row["placement"] == "pulse"]
    booked = {"date": day, "category": "comedy", "video_id": None, "currency": "USD"}
    rows += [
        booked | {"placement": placement, "revenue_micros": micros}
        for placement, micros in (("non_pulse", gross), ("refund", refunds))
        if micros
    ]
    # A category with only Pulse revenue would have a row, too.
    kept = [row for row in rows if gross or row["category"] != "comedy"]
    pq.write_table(pa.Table.from_pylist(kept, schema=table.schema), path)


@pytest.fixture(scope="module")
def rated_days(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of three days that are ingested and scored, but not paid."""
    folder = tmp_path_factory.mktemp("rated")
    for day, (gross, refunds) in zip(DAYS, COMEDY, strict=True):
        generate_day(folder / day.isoformat(), day, MARKET)
        book(folder / day.isoformat() / "ad_revenue.parquet", day, gross, refunds)
        run = night(spark, folder / "tables", day)
        publish_ingestion(run, folder / day.isoformat())
        publish_signals(run)
    return folder / "tables"


@pytest.fixture
def root(rated_days: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rated_days, tmp_path / "tables"))


Publish = Callable[[Sequence[int]], None]


@pytest.fixture
def publish(spark: SparkSession, root: Path) -> Publish:
    """Publish days in the given order; published days are published again."""

    def run(order: Sequence[int]) -> None:
        for number in order:
            one = night(spark, root, DAYS[number])
            publish_payouts(one, republish=bool(published_pools(one.warehouse, one.day)))

    return run


def pools(root: Path, number: int) -> dict[str, dict[str, Any]]:
    """The published rows of `pool_revenue` by category."""
    warehouse, day = Warehouse(None, root), DAYS[number]
    ledger = published_pools(warehouse, day)
    version = day_outputs(ledger)["pool_revenue"]
    return {row["category"]: row for row in warehouse.read_arrow("pool_revenue", day=day, version=version).to_pylist()}


def verify(spark: SparkSession, root: Path, *numbers: int) -> None:
    for number in numbers:
        run = night(spark, root, DAYS[number], dry_run=True)
        require_verified(run, verify_day(run))


def test_three_days_with_refunds_carry_the_excess_and_verify(
    spark: SparkSession, root: Path, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "creatorpool"):
        publish([0, 1, 2])

    columns = ("gross_micros", "refunds_micros", "carried_in_micros", "carried_micros", "pool_micros")
    comedy = [tuple(pools(root, number)["comedy"][name] for name in columns) for number in range(3)]
    assert comedy == [
        (5_000_000, -8_000_000, 0, -3_000_000, 0),
        (0, 0, -3_000_000, -3_000_000, 0),
        (5_000_000, -1_000_000, -3_000_000, 0, 500_000),
    ]
    for number in range(3):
        ledger, rows = published_pools(Warehouse(None, root), DAYS[number]), pools(root, number)
        for name, row in rows.items():
            assert row["pool_micros"] == net_micros(row) // 2
            assert ledger[name].paid_micros + ledger[name].unallocated_micros == row["pool_micros"]
    told = "pool comedy is lowered by refunds: revenue 0.00 USD, refunds of earlier days -3.00, leaves refunds of 3.00"
    assert f"{told} to later days" in caplog.text
    verify(spark, root, 0, 1, 2)
    assert all(check.passed for check in reproduce_day(night(spark, root, DAYS[2], dry_run=True)))


def test_refund_is_taken_once_if_days_are_published_out_of_order_and_again(
    spark: SparkSession, root: Path, publish: Publish
) -> None:
    publish([0, 2, 1])
    before = [pools(root, number) for number in range(3)]

    publish([1, 0])

    # The third day took the first day's carry: nothing is left for the day between them.
    assert taken(before[2]["comedy"]["carried_from"]) == {DAYS[0]: -3_000_000}
    assert "comedy" not in before[1]
    assert [pools(root, number) for number in range(3)] == before
    verify(spark, root, 1, 2)


def test_pools_published_one_by_one_keep_their_carries(spark: SparkSession, root: Path, publish: Publish) -> None:
    publish([0])
    publish_payouts(night(spark, root, DAYS[1]), ["comedy"])
    publish_payouts(night(spark, root, DAYS[1]))

    assert taken(pools(root, 1)["comedy"]["carried_from"]) == {DAYS[0]: -3_000_000}
    verify(spark, root, 1)


def test_forged_carry_is_found(spark: SparkSession, root: Path, publish: Publish) -> None:
    publish([0, 2])
    warehouse, day = Warehouse(None, root), DAYS[2]
    seen = warehouse.version("allocation_runs")
    rows = warehouse.read_arrow("allocation_runs", day=day).to_pylist()
    forged = [row | {"carried_from": None} for row in rows]
    warehouse.replace_day_records(forged, "allocation_runs", day, seen=seen)

    failed = {check.name for check in verify_day(night(spark, root, day, dry_run=True)) if not check.passed}

    assert failed == {"ledger's pools from pool_revenue"}


def test_carry_that_another_run_took_stops_publication(
    spark: SparkSession, root: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish([0])
    late, waiting = night(spark, root, DAYS[2]), [1]

    def settle_while_another_day_is_published(*arguments: Any) -> Any:
        if waiting:
            publish([waiting.pop()])
        return settle_ties(*arguments)

    monkeypatch.setattr(allocation, "settle_ties", settle_while_another_day_is_published)

    with pytest.raises(RunInProgressError, match="pool comedy of 2026-11-22: another run published a day"):
        publish_payouts(late)
    assert not published_pools(late.warehouse, late.day)


def test_two_commits_that_take_carries_at_once_end_in_one(root: Path, publish: Publish) -> None:
    publish([0, 1])
    warehouse = Warehouse(None, root)
    pools = published_pools(warehouse, DAYS[1]).values()
    first, second = (
        pool_records(warehouse, day, [replace(pool, day=day) for pool in pools])
        for day in (DAYS[2], DAYS[2] + timedelta(days=1))
    )
    publish_pools(warehouse, DAYS[2], *first)

    with pytest.raises(RunInProgressError, match="at the same time"):
        publish_pools(warehouse, DAYS[2] + timedelta(days=1), *second)
    without = [row | {"carried_micros": 0, "carried_from": None} for row in second[0]]
    publish_pools(warehouse, DAYS[2] + timedelta(days=1), without, second[1])
