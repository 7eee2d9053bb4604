"""A run whose claim was taken over can commit no write of any kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from creatorpool.errors import ContractError, OutlivedLeaseError, RunInProgressError
from creatorpool.runs.claims import claimed, release_claim, require_held
from creatorpool.tables import Warehouse

DAY, LEASE = date(2026, 11, 20), timedelta(hours=1)
TABLE = "creator_payouts"


def payout(creator: str) -> dict[str, Any]:
    money = dict.fromkeys(("payout_micros", "pulse_micros", "total_micros"), 0)
    return {"date": DAY, "creator_id": creator, "videos_paid": 0, "currency": "USD", **money}


def result(run_id: str) -> dict[str, Any]:
    counts = {"severity": "error", "passed": True, "rows_checked": 1, "rows_failed": 0, "example": None}
    return {"date": DAY, "contract": "x", "rule": "r", "run_id": run_id, **counts}


@pytest.fixture
def tables(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(None, tmp_path)
    warehouse.commit(warehouse.stage_records([payout("stood")], TABLE, DAY))
    warehouse.append_records([result("before")], "contract_results")
    return warehouse


def names(tables: Warehouse) -> list[str]:
    return sorted(row["creator_id"] for row in tables.read_arrow(TABLE).to_pylist())


def staged(run: Warehouse) -> Callable[[], object]:
    rows = run.stage_records([payout("late")], TABLE, DAY)
    return lambda: run.commit(rows)


def seen(run: Warehouse) -> Callable[[], object]:
    version = run.version(TABLE)
    return lambda: run.replace_day_records([payout("late")], TABLE, DAY, seen=version)


WRITES: dict[str, Callable[[Warehouse], Callable[[], object]]] = {
    "a staged day": staged,
    "records of a day that was read before": seen,
    "records of a day that is read now": lambda run: (
        lambda: run.replace_day_records([payout("late")], TABLE, DAY, seen=run.version(TABLE))
    ),
    "records at the end": lambda run: lambda: run.append_records([result("late")], "contract_results"),
    "a restored version": lambda run: lambda: run.restore(TABLE, 0),
    "a restored day": lambda run: lambda: run.restore_day(TABLE, DAY, None),
    "compaction": lambda run: lambda: run.optimize(TABLE),
}


@pytest.mark.parametrize("write", list(WRITES))
def test_write_of_a_run_whose_claim_was_taken_over_is_refused(tables: Warehouse, write: str) -> None:
    with claimed(tables, "allocate", DAY, "stopped", LEASE) as stopped:
        late = WRITES[write](stopped)
        release_claim(tables, "allocate", DAY, "its machine does not answer")
        with claimed(tables, "allocate", DAY, "next", LEASE) as live:
            before = (names(tables), tables.version(TABLE), tables.version("contract_results"))
            with pytest.raises(RunInProgressError):
                late()
            assert (names(tables), tables.version(TABLE), tables.version("contract_results")) == before

            live.commit(live.stage_records([payout("next")], TABLE, DAY))

    assert names(tables) == ["next"]


def test_write_during_the_takeover_is_refused_by_the_commit(tables: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stopped run has already read the fence when the takeover raises it."""
    with claimed(tables, "allocate", DAY, "stopped", LEASE) as stopped:
        rows = stopped.stage_records([payout("late")], TABLE, DAY)
        release_claim(tables, "allocate", DAY, "its machine does not answer")
        looked = stopped.contract

        def take_over(_: Warehouse, table: str) -> Any:
            monkeypatch.undo()
            with claimed(tables, "allocate", DAY, "next", LEASE):
                pass
            return looked(table)

        monkeypatch.setattr(Warehouse, "contract", take_over)
        with pytest.raises(OutlivedLeaseError):
            stopped.commit(rows)

    assert names(tables) == ["stood"]


def test_run_after_a_failed_takeover_raises_the_fences(tables: Warehouse) -> None:
    """The run that took the claim over ended before it had raised them: nothing else bars the stopped run."""
    with claimed(tables, "allocate", DAY, "stopped", LEASE) as stopped:
        late = staged(stopped)
        release_claim(tables, "allocate", DAY, "its machine does not answer")
        with pytest.raises(ContractError), claimed(tables, "allocate", DAY, "fails", LEASE, tables=["no_such_table"]):
            pytest.fail("the takeover succeeded")
        with claimed(tables, "allocate", DAY, "next", LEASE), pytest.raises(OutlivedLeaseError):
            late()

    assert names(tables) == ["stood"]


def test_fence_of_one_claim_does_not_stop_another(tables: Warehouse) -> None:
    with claimed(tables, "signals", DAY, "stopped", LEASE):
        release_claim(tables, "signals", DAY, "gone")
        with claimed(tables, "signals", DAY, "next", LEASE), claimed(tables, "allocate", DAY, "other", LEASE) as other:
            other.commit(other.stage_records([payout("other")], TABLE, DAY))

    assert names(tables) == ["other"]


def test_takeover_raises_the_fence_of_tables_that_do_not_exist_yet(tables: Warehouse) -> None:
    with claimed(tables, "ingest", DAY, "stopped", LEASE) as stopped:
        release_claim(tables, "ingest", DAY, "gone")
        with claimed(tables, "ingest", DAY, "next", LEASE, tables=["pool_revenue"]), pytest.raises(OutlivedLeaseError):
            stopped.commit(stopped.stage_records([], "pool_revenue", DAY))

    assert tables.version("pool_revenue") == 1  # created, and its fence raised


def test_released_claim_is_not_held_even_before_a_takeover(tables: Warehouse) -> None:
    with claimed(tables, "allocate", DAY, "stopped", LEASE):
        require_held(tables, "allocate", DAY, "stopped")
        release_claim(tables, "allocate", DAY, "gone")
        with pytest.raises(RunInProgressError, match="outlived its lease, or its claim was released"):
            require_held(tables, "allocate", DAY, "stopped")


def test_raising_fences_changes_no_row(tables: Warehouse) -> None:
    with claimed(tables, "allocate", DAY, "stopped", LEASE):
        release_claim(tables, "allocate", DAY, "gone")
        with claimed(tables, "allocate", DAY, "next", LEASE):
            pass

    assert names(tables) == ["stood"]
    assert [row["run_id"] for row in tables.read_arrow("contract_results").to_pylist()] == ["before"]
