"""Ledgers whose rows are gathered in one file are read from it, and read the same in every version."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import INGEST, StageRun, publish_run, published_runs
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.storage.checkpoints import COMMITS_PER_CHECKPOINT
from creatorpool.tables import Warehouse

FIRST = date(2026, 11, 1)
MOMENT = datetime(2026, 12, 1, 2, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=n) for n in range(COMMITS_PER_CHECKPOINT)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Tables with a ledger of as many days as its rows are gathered after."""
    for day in DAYS:
        publish(tmp_path, day, "first")
    assert gathered(tmp_path).is_file()
    return tmp_path


def publish(root: Path, day: date, run_id: str) -> None:
    run = StageRun(day, INGEST, run_id, "0" * 64, "test", {}, {}, {"events": {}}, MOMENT, MOMENT)
    publish_run(Warehouse(None, root), run)


def gathered(root: Path) -> Path:
    return root / "stage_runs" / "_gathered" / "rows.parquet"


def ledger(root: Path, version: int | None = None) -> list[dict[str, object]]:
    """The rows of the ledger, as a process of its own reads them."""
    rows = Warehouse(None, root).read_arrow("stage_runs", version=version)
    return rows.sort_by([("date", "ascending"), ("sequence", "ascending")]).to_pylist()


def damage(root: Path, day: date) -> None:
    for file in (root / "stage_runs" / f"date={day}").glob("*.parquet"):
        file.write_bytes(b"damaged")


def test_gathered_rows_are_read_without_the_files_that_they_come_from(root: Path) -> None:
    expected = ledger(root)
    assert [row["date"] for row in expected] == DAYS

    damage(root, DAYS[3])

    assert ledger(root) == expected
    gathered(root).unlink()
    with pytest.raises(MissingTableError, match="stage_runs cannot be read"):
        ledger(root)


def test_rows_that_were_rewritten_since_are_new_and_the_earlier_version_has_the_old_ones(root: Path) -> None:
    seen = Warehouse(None, root).version("stage_runs")
    before = ledger(root)

    publish(root, DAYS[3], "second")
    publish(root, DAYS[-1] + timedelta(days=1), "first")

    assert ledger(root, seen) == before
    runs = {run.day: run.run_id for run in published_runs(Warehouse(None, root))}
    assert runs == dict.fromkeys(DAYS, "first") | {DAYS[3]: "second", DAYS[-1] + timedelta(days=1): "first"}


@pytest.mark.parametrize("fault", ["damaged", "other columns"])
def test_a_gathered_file_of_no_use_is_ignored_and_written_again(root: Path, fault: str) -> None:
    expected = ledger(root)
    if fault == "damaged":
        gathered(root).write_bytes(b"damaged")
    else:
        pq.write_table(pa.table({"date": DAYS, "file": ["one"] * len(DAYS)}), gathered(root))

    assert ledger(root) == expected
    Warehouse(None, root).settle("stage_runs")
    damage(root, DAYS[3])
    assert ledger(root) == expected


def test_a_copy_of_the_tables_has_the_gathered_rows(root: Path) -> None:
    expected = ledger(root)
    with Warehouse(None, root).trial_copy() as copy:
        own = Path(str(copy.root))
        (old,) = (own / "stage_runs" / f"date={DAYS[3]}").glob("*.parquet")
        old.unlink()  # of the copy; its bytes are shared

        assert ledger(own) == expected
    assert ledger(root) == expected


def test_maintenance_gathers_the_rows_and_writes_a_checkpoint(tmp_path: Path) -> None:
    for day in DAYS[:3]:
        publish(tmp_path, day, "first")
    versions = {version: ledger(tmp_path, version) for version in range(1, 4)}
    assert not gathered(tmp_path).exists()

    for _ in range(2):  # the second deletes what the first left
        list(maintain_tables(Warehouse(None, tmp_path), timedelta(days=1)))

    assert gathered(tmp_path).is_file()
    log = tmp_path / "stage_runs" / "_delta_log"
    version = Warehouse(None, tmp_path).version("stage_runs")
    assert (log / f"{version:020}.checkpoint.parquet").is_file()
    assert not (log / "_last_checkpoint").exists(), "Sail reads no version before the checkpoint that it names"
    assert {version: ledger(tmp_path, version) for version in versions} == versions


def test_a_failure_to_gather_leaves_the_publication_as_it_is(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    gathered(root).unlink()
    gathered(root).parent.rmdir()
    gathered(root).parent.write_text("a file where the folder should be")

    for day in DAYS:
        publish(root, day, "second")

    assert {run.run_id for run in published_runs(Warehouse(None, root))} == {"second"}
    assert "cannot be written" in caplog.text
