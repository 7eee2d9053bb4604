"""What the terminal says about delivered, refused and corrected rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pyspark.sql import SparkSession
from tests.runs.pool_runs import pool_run

from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.row_changes import RowChanges
from creatorpool.report.console import PlainConsole
from creatorpool.report.ingest_summary import print_delivered, print_reingestion
from creatorpool.stages.reingestion import PublishedState, Reingestion
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
NO_TABLES = Warehouse(None, Path("nowhere"))


def printed(show: Any, *what: Any) -> str:
    console = PlainConsole(width=110, record=True)
    show(console, *what)
    return " ".join(console.export_text().split())


def ingestion(**tables: TableCounts) -> Any:
    rows = {name: vars(counts) for name, counts in tables.items()}
    return SimpleNamespace(day=date(2026, 11, 20), rows=rows, inputs={})


def test_delivered_rows_are_counted_and_refusals_have_their_reasons(spark: SparkSession, tmp_path: Path) -> None:
    events = TableCounts(4_950, 3_261, quarantined=1_689, broken={"watch_ms_in_range": 3, "event_ts_in_window": 1_686})
    tables, name = Warehouse(spark, tmp_path), "events_quarantine"
    tables.ensure(name)
    empty = {column.name: None for column in tables.contract(name).columns}
    row = {"date": DAY, "event_id": "e1", "raw_row": '{"watch_ms":-7}', "failed_rules": ["watch_ms_in_range"]}
    own = {"contract_version": "1.0.0", "ingested_at": datetime(2026, 11, 21, tzinfo=UTC)}
    run = ingestion(events=events, viewers=TableCounts(200, 200))
    run.outputs = {name: tables.replace_day_records([empty | row | own], name, DAY, seen=0)}

    text = printed(print_delivered, run, tables)

    assert "Delivered rows: events 4,950 (3,261 accepted, 1,689 refused), viewers 200; some were refused:" in text
    assert """see table events_quarantine, for example {"watch_ms":-7} breaks watch_ms_in_range (""" in text
    assert "1,689 of 4,950 delivered events (34.1%) were refused: event_ts_in_window 1,686, watch_ms_in_range 3" in text


def test_clean_delivery_says_that_nothing_was_refused() -> None:
    assert "none was refused" in printed(print_delivered, ingestion(events=TableCounts(5, 5)), NO_TABLES)


def test_records_that_another_day_refused_are_told_with_that_day() -> None:
    run = ingestion(events=TableCounts(730, 700, other_day=29, elsewhere=1))
    run.inputs = {"dateless": {"plays": "2026-11-19"}}

    text = printed(print_delivered, run, NO_TABLES)

    assert "events 730 (700 accepted, 29 of other days, 1 in another day's quarantine); none was refused." in text

    assert (
        "none was refused. events without a readable time: 1. They are of no day, and in the quarantine of 2026" in text
    )


def test_correction_shows_rows_and_the_money_of_every_pool() -> None:
    pools = {
        "music": pool_run(category="music", pool_micros=10_000_000, paid_micros=9_000_000),
        "gone": pool_run(category="gone", pool_micros=5_000_000, paid_micros=5_000_000),
    }
    now: Any = SimpleNamespace(pools=[pool_run(category="music", pool_micros=20_000_000, paid_micros=20_000_000)])
    before = PublishedState(ingestion(), pools)

    text = printed(print_reingestion, Reingestion(now, before, None, {"events": RowChanges(300, 290, 20, 30, 5)}))

    assert "events │ 300 │ 290 │ 20 │ 30 │ 5" in text
    assert "music │ 10.00 │ 20.00 │ 9.00 │ 20.00 │ 11.00" in text
    assert "gone │ 5.00 │ 0.00 │ 5.00 │ 0.00 │ -5.00" in text


def test_day_that_was_not_replaced_prints_nothing() -> None:
    payouts: Any = SimpleNamespace(pools=[])

    assert printed(print_reingestion, Reingestion(payouts, None, None, {})) == ""
