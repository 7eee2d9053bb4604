"""The log of a table is shortened without any loss of the versions that may be needed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from creatorpool.errors import MissingTableError, OutlivedLeaseError
from creatorpool.storage.fence import Fence
from creatorpool.storage.log import latest_version, superseded_files
from creatorpool.tables import Warehouse

DAY, TABLE, LAST = date(2026, 11, 20), "creator_payouts", 45
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def payout(number: int) -> dict[str, object]:
    money = {"payout_micros": number, "pulse_micros": 1, "total_micros": number + 1, "videos_paid": 1}
    return {"date": DAY, "creator_id": "a", "currency": "USD", **money}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a commit an hour, the last one at `NOW`; checkpoints are of versions 20 and 40."""
    root = tmp_path_factory.mktemp("tables")
    warehouse = Warehouse(None, root)
    for number in range(LAST):
        holder = warehouse.fenced(Fence(f"allocate/{number % 7}", number, "allocate"))
        holder.replace_day_records([payout(number + 1)], TABLE, DAY, seen=number)
    for file in (root / TABLE / "_delta_log").iterdir():
        moment = (NOW - timedelta(hours=LAST - int(file.name[:20]))).timestamp()
        os.utime(file, (moment, moment))
    return root


@pytest.fixture
def root(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "tables"))


def names(root: Path, before: datetime) -> list[str]:
    return [file.name for file in superseded_files(root / TABLE, before)]


def value(root: Path, version: int | None = None) -> int:
    (row,) = DeltaTable(str(root / TABLE), version=version).to_pyarrow_table().to_pylist()
    return int(row["payout_micros"])


@pytest.mark.parametrize(("hours", "begin"), [(0, 40), (4, 40), (5, 40), (6, 20), (24, 20), (25, 20), (26, 0), (99, 0)])
def test_versions_that_were_the_latest_since_then_need_their_checkpoint(root: Path, hours: int, begin: int) -> None:
    """Version 40 was replaced five hours before the last commit, version 20 twenty-five hours before it."""
    before = NOW - timedelta(hours=hours, minutes=-1)
    expected = [f"{n:020}.json" for n in range(begin)] + [f"{n:020}.checkpoint.parquet" for n in (20, 40) if n < begin]
    assert sorted(names(root, before)) == sorted(expected)


def test_every_later_version_is_readable_whenever_the_removal_is_interrupted(root: Path) -> None:
    files = superseded_files(root / TABLE, NOW)
    assert len(files) == 41
    for count, file in enumerate(files):
        os.unlink(str(file))
        if count % 8 == 0 or file == files[-1]:
            assert [value(root, version) for version in (40, 43, LAST)] == [40, 43, LAST]
            assert value(root) == LAST
            assert latest_version(root / TABLE) == LAST

    with pytest.raises(DeltaError):
        value(root, 39)
    assert superseded_files(root / TABLE, NOW) == []


def test_a_damaged_checkpoint_is_not_relied_on(root: Path) -> None:
    log = root / TABLE / "_delta_log"
    (log / f"{40:020}.checkpoint.parquet").write_bytes(b"PAR1")

    assert max(names(root, NOW)) == f"{19:020}.json"
    (log / f"{20:020}.checkpoint.parquet").unlink()
    assert names(root, NOW) == []


def test_tokens_of_fences_and_the_table_itself_survive(root: Path) -> None:
    reader, before = Warehouse(None, root), DeltaTable(str(root / TABLE))
    Warehouse(None, root).shorten_log(TABLE, timedelta(days=-1), dry_run=True)
    assert latest_version(root / TABLE) == LAST
    assert (root / TABLE / "_delta_log" / f"{0:020}.json").exists()

    assert Warehouse(None, root).shorten_log(TABLE, timedelta(0), dry_run=False) == 41

    assert reader.exists(TABLE)
    after = DeltaTable(str(root / TABLE))
    for claim in range(7):
        name = f"creatorpool/allocate/{claim}"
        assert after.transaction_version(name) == before.transaction_version(name) is not None
    late = Warehouse(None, root).fenced(Fence("allocate/1", 0, "allocate"))
    with pytest.raises(OutlivedLeaseError):
        late.replace_day_records([payout(0)], TABLE, DAY, seen=LAST)
    next_one = Warehouse(None, root).fenced(Fence("allocate/1", 99, "allocate"))
    assert next_one.replace_day_records([payout(77)], TABLE, DAY, seen=LAST) == LAST + 1
    assert value(root) == 77


def test_a_table_exists_from_its_first_commit_on(tmp_path: Path) -> None:
    log = tmp_path / TABLE / "_delta_log"
    assert latest_version(tmp_path / TABLE) is None
    log.mkdir(parents=True)
    (log / f"{0:020}.json#1").write_text("")  # a commit that deltalake is writing
    assert latest_version(tmp_path / TABLE) is None
    warehouse = Warehouse(None, tmp_path)
    assert not warehouse.exists(TABLE)
    with pytest.raises(MissingTableError, match=f"'{TABLE}' does not exist"):
        warehouse.version(TABLE)

    warehouse.ensure(TABLE)

    assert latest_version(tmp_path / TABLE) == warehouse.version(TABLE) == 0


def test_a_process_that_stood_still_finds_the_latest_version(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(root / TABLE)
    slow = Warehouse(None, root)
    first = slow.replace_day_records([payout(1)], TABLE, DAY, seen=0)
    for number in range(first, first + 41):
        Warehouse(None, root).replace_day_records([payout(number + 1)], TABLE, DAY, seen=number)
    assert Warehouse(None, root).shorten_log(TABLE, timedelta(0), dry_run=False) > first + 1
    clock: Callable[[], float] = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 7 * 86_400)

    assert slow.version(TABLE) == first + 41
