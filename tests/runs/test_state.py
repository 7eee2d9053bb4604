"""What `status` tells of days: what runs, what stopped, what failed, and which days are missing."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.runs.pool_runs import pool_run

from creatorpool.report.console import PlainConsole
from creatorpool.report.status_summary import print_status
from creatorpool.runs import identity
from creatorpool.runs.claims import TABLE, claimed
from creatorpool.runs.ledger import CLOSE, INGEST, POST, StageRun, begin_runs, fail_run, publish_run
from creatorpool.runs.pools import pool_records, publish_pools
from creatorpool.runs.state import MonthState, missing_days, state_of_days
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
MOMENT = datetime(2026, 11, 21, 2, tzinfo=UTC)
COUNTS = {
    "events": {"read": 400, "accepted": 197, "quarantined": 3, "other_day": 200},
    "videos": {"read": 50, "accepted": 48, "quarantined": 2},
}


@pytest.fixture
def tables(tmp_path: Path) -> Warehouse:
    return Warehouse(None, tmp_path)


def run_of(day: date, stage: str = INGEST, run_id: str = "run-1", facts: dict[str, Any] | None = None) -> StageRun:
    return StageRun(day, stage, run_id, "0" * 64, "test", {}, {}, facts or {}, MOMENT, MOMENT)


def pay(tables: Warehouse, day: date) -> None:
    records, seen = pool_records(tables, day, [pool_run(day=day, pool_micros=5_000_000, paid_micros=5_000_000)])
    publish_pools(tables, day, records, seen)


def shown(tables: Warehouse, day: date | None = None) -> str:
    out = io.StringIO()
    print_status(PlainConsole(width=120, file=out), state_of_days(tables, day))
    return out.getvalue()


def test_missing_days_lie_between_paid_days() -> None:
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=4)]

    assert missing_days(days) == [DAY + timedelta(days=2), DAY + timedelta(days=3)]
    assert missing_days([DAY]) == missing_days([]) == []


def test_status_names_gaps_between_paid_days_and_the_command_that_fills_them(tables: Warehouse) -> None:
    for offset in (0, 1, 4, 6):
        pay(tables, DAY + timedelta(days=offset))

    text = shown(tables)

    assert "Missing: 2026-11-22 to 2026-11-23 without payouts" in text
    assert "`creatorpool backfill --from 2026-11-22 --to 2026-11-23`" in text
    assert "Missing: 2026-11-25 without payouts" in text
    assert "Missing" not in shown(tables, DAY)


def test_status_shows_the_worst_refused_share_of_a_day_and_days_not_paid(tables: Warehouse) -> None:
    publish_run(tables, run_of(DAY, facts=COUNTS))
    publish_run(tables, run_of(DAY + timedelta(days=1), facts={"events": {"read": 9, "accepted": 9}}))
    pay(tables, DAY)

    state, text = state_of_days(tables), shown(tables)

    assert state.refused(DAY) == ("videos", 0.04)
    assert "4.0% of videos" in text
    assert "not paid" in text
    assert "none" in text


def test_status_tells_running_from_stopped(tables: Warehouse) -> None:
    with claimed(tables, "signals", DAY, "run-1", timedelta(hours=1)):
        running = shown(tables)
        (row,) = tables.read_arrow(TABLE, day=DAY).to_pylist()
    dead = row | {"owner": row["owner"].rsplit(":", 1)[0] + ":0", "expires_at": identity.now()}
    tables.replace_day_records([dead], TABLE, DAY, seen=tables.version(TABLE))
    stopped = shown(tables)

    assert "Running: signals of 2026-11-20, run run-1 (process " in running
    assert "Stopped: signals of 2026-11-20, run run-1 (process " in stopped
    assert "run it again, and it continues" in stopped
    assert not state_of_days(tables).is_empty


def test_status_names_a_failed_run_until_another_publishes_the_stage(tables: Warehouse) -> None:
    begun = run_of(DAY)
    begin_runs(tables, [begun])
    fail_run(tables, begun)

    assert "Failed: ingest of 2026-11-20, run run-1, at 2026-11-21 02:00:00 UTC" in shown(tables)

    publish_run(tables, replace(begun, run_id="run-2"))
    assert "Failed" not in shown(tables)


def test_status_lists_the_latest_days_and_tells_everything_else_of_all_days(tables: Warehouse) -> None:
    days = [DAY + timedelta(days=offset) for offset in (0, 1, 3, 4, 5)]
    for day in days:
        publish_run(tables, run_of(day, facts=COUNTS))
        pay(tables, day)
    publish_run(tables, run_of(days[0], POST, facts={"nights": [f"{days[0]}"]}))

    out = io.StringIO()
    state = state_of_days(tables, most=2)
    print_status(PlainConsole(width=120, file=out), state)

    assert state.days == days[-2:]
    assert (list(state.paid), list(state.earlier)) == (days, days[:-2])
    assert "Earlier days: 3, 2026-11-20 to 2026-11-23; --days N" in out.getvalue()
    assert "Missing: 2026-11-22 without payouts" in out.getvalue()
    (month,) = state.months
    assert (month.published, month.posted) == (5, 1)
    assert state_of_days(tables).days == state_of_days(tables, most=5).days == days
    assert not state_of_days(tables, most=5).earlier


def test_status_names_months_of_paid_days_though_nothing_of_them_is_posted(tables: Warehouse) -> None:
    end, begin = date(2026, 11, 30), date(2026, 12, 1)
    for day in (DAY, end, begin):
        pay(tables, day)
    publish_run(tables, run_of(DAY, POST, facts={"nights": [f"{DAY}", f"{end}"]}))
    closed = run_of(end, CLOSE)
    publish_run(tables, closed)

    november, december = state_of_days(tables).months

    assert (november.month, november.published, november.posted) == ("2026-11", 2, 2)
    assert november.closed is not None
    assert december == MonthState("2026-12", 1, 0, None)
    (shown_row,) = [row for row in shown(tables).splitlines() if "open" in row]
    assert [cell.strip() for cell in shown_row.strip("│ ").split("│")] == ["2026-12", "1", "0", "open"]
    assert [month.month for month in state_of_days(tables, DAY).months] == ["2026-11"]


def test_status_lists_the_latest_months_and_names_earlier_ones_that_are_open(tables: Warehouse) -> None:
    for number in range(1, 10):
        pay(tables, date(2026, number, 28))
    publish_run(tables, run_of(date(2026, 2, 28), CLOSE))

    lines = shown(tables).splitlines()

    assert sum(line.endswith("│ open  │") for line in lines) == 6
    assert "Earlier months: 3, 2026-01 to 2026-03; open: 2026-01, 2026-03." in lines
