"""Ledgers whose rows are gathered in one file are read from it, and read the same in every version."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import INGEST, StageRun, publish_run, published_runs
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.storage.checkpoints import COMMITS_PER_CHECKPOINT
from creatorpool.storage.gathered import write_gathered
from creatorpool.storage.ledger_files import LedgerFiles
from creatorpool.storage.opened import FILE
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
    return root / "stage_runs" / "_gathered" / "rows.cache"


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


@pytest.mark.parametrize("fault", ["damaged", "one bit", "other columns"])
def test_a_gathered_file_of_no_use_is_ignored_and_written_again(root: Path, fault: str) -> None:
    expected = ledger(root)
    if fault == "damaged":
        gathered(root).write_bytes(b"damaged")
    elif fault == "one bit":
        stored = bytearray(gathered(root).read_bytes())
        stored[len(stored) // 2] ^= 1
        gathered(root).write_bytes(stored)
    else:
        rows = pa.table({"date": DAYS, FILE: ["one"] * len(DAYS)})
        write_gathered(root / "stage_runs", rows, LedgerFiles(0, "", ()))

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


def test_the_latest_version_is_read_without_the_table_being_opened(root: Path) -> None:
    later, reader = DAYS[-1] + timedelta(days=1), Warehouse(None, root)
    assert reader.read_arrow("stage_runs").num_rows == len(DAYS)
    publish(root, DAYS[3], "second")
    publish(root, later, "first")
    expected = ledger(root, Warehouse(None, root).version("stage_runs"))
    for name in (f"{0:020}.json", f"{len(DAYS):020}.checkpoint.parquet"):
        (root / "stage_runs" / "_delta_log" / name).unlink()
    with pytest.raises(DeltaError):
        DeltaTable(str(root / "stage_runs"))

    assert ledger(root) == expected
    assert reader.read_arrow("stage_runs").num_rows == len(DAYS) + 2
    assert {row["run_id"] for row in reader.read_arrow("stage_runs", day=DAYS[3]).to_pylist()} == {"first", "second"}
    assert reader.read_arrow("stage_runs", days=[later, DAYS[0]]).num_rows == 2
    assert reader.read_arrow("stage_runs", day=later + timedelta(days=1)).num_rows == 0


@pytest.mark.parametrize("fault", ["another history", "no beginning", "other properties", "an earlier version"])
def test_files_that_were_gathered_of_another_log_are_not_relied_on(root: Path, tmp_path: Path, fault: str) -> None:
    kept = gathered(root).read_bytes()
    publish(root, DAYS[3], "second")
    if fault == "another history":
        shutil.rmtree(root / "stage_runs")
        for number, day in enumerate(reversed(DAYS)):
            publish(root, day, f"other-{number}")
    elif fault == "no beginning":
        publish(root, DAYS[4], "second")
        (root / "stage_runs" / "_delta_log" / f"{len(DAYS):020}.json").unlink()
    elif fault == "other properties":
        DeltaTable(str(root / "stage_runs")).alter.set_table_properties(
            {"delta.logRetentionDuration": "interval 3651 days"}
        )
    else:
        log = root / "stage_runs" / "_delta_log"
        for file in log.iterdir():
            if int(file.name[:20]) >= len(DAYS):
                file.unlink()
    gathered(root).write_bytes(kept)
    version = Warehouse(None, root).version("stage_runs")

    found = DeltaTable(str(root / "stage_runs")).to_pyarrow_table(columns=["date", "run_id"]).to_pylist()

    assert {(row["date"], row["run_id"]) for row in ledger(root)} == {(row["date"], row["run_id"]) for row in found}
    assert ledger(root) == ledger(root, version)


@pytest.mark.parametrize("name", ["tables", "./a folder", "b/../other", "link"])
def test_gathered_rows_are_found_however_the_root_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("target", "b"):
        Path(folder).mkdir()
    Path("link").symlink_to("target")
    for day in DAYS:
        publish(Path(name), day, "first")
    expected = ledger(Path(name), len(DAYS))
    damage(Path(name), DAYS[3])

    assert [row["date"] for row in expected] == DAYS
    assert ledger(Path(name)) == ledger(Path(name).resolve()) == expected
    assert ledger(Path(name), len(DAYS)) == expected
