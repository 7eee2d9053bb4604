"""Checks of a delivery that need only file names and header lines."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import find_files, require_columns, require_files, unread_entries


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("events.parquet", "parquet"),
        ("events.jsonl", "jsonl"),
        ("events.json.gz", "jsonl"),
        ("events.csv", "csv"),
        ("events.csv.gz", "csv"),
    ],
)
def test_find_files_one_file_gives_its_format(tmp_path: Path, name: str, format_: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "events_of_others.csv").touch()
    files = find_files(tmp_path, "events")
    assert files is not None
    assert (files.format, files.paths) == (format_, (tmp_path / name,))


def test_find_files_folder_gives_its_files_in_order_without_marks(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("b.parquet", "a.parquet", "_SUCCESS", ".a.parquet.crc"):
        (folder / name).touch()
    files = find_files(tmp_path, "videos")
    assert files is not None
    assert [path.name for path in files.paths] == ["a.parquet", "b.parquet"]


def test_find_files_absent_table_gives_none(tmp_path: Path) -> None:
    assert find_files(tmp_path, "entrants") is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["events.csv", "events.parquet"], "more than once"),
        (["events/a.csv", "events/b.parquet"], "files of one format"),
        (["events/_SUCCESS"], "no file"),
        (["events/a.xlsx"], "unknown format: its name must end in .parquet"),
        (["events/a.parquet.gz"], "unknown format: its name must end in .parquet"),
        (["events"], "unknown format: its name must end in .parquet"),
        (["events/hour=00/a.csv", "events/b.csv"], r"events/hour=00 is a folder"),
        (["events/a.csv", "events/_delta_log/0.json"], r"Delta table, because it has _delta_log"),
        (["events/a.csv", "events/.hoodie/x.commit"], r"Hudi table, because it has \.hoodie"),
        (["events/data/a.csv", "events/metadata/v1.metadata.json"], r"Iceberg table, because it has metadata"),
    ],
)
def test_find_files_ambiguous_or_unknown_files_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=message):
        find_files(tmp_path, "events")


def test_require_files_missing_table_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "viewers.csv").touch()
    with pytest.raises(InputError, match=r"events: .*has no events\.parquet.*\['viewers\.csv'\]"):
        require_files(tmp_path, "events")
    with pytest.raises(InputError, match="is not a folder"):
        require_files(tmp_path / "nowhere", "events")


def test_require_columns_names_every_difference_and_both_lists(tmp_path: Path) -> None:
    contract = load_contract("viewers")
    with pytest.raises(InputError) as caught:
        require_columns(["viewer_id", "region", "region", "shoe_size"], contract, tmp_path / "viewers.csv")
    for part in (
        "viewers.csv",
        "missing columns ['trust_tier', 'valid_from']",
        "columns not in the contract ['shoe_size']",
        "columns given twice ['region']",
        "expected ['viewer_id', 'trust_tier', 'region', 'valid_from']",
        "got ['viewer_id', 'region', 'region', 'shoe_size']",
    ):
        assert part in str(caught.value)


def test_require_columns_without_quoting_shows_no_name_that_the_contract_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"columns not in the contract \(2, not shown") as caught:
        require_columns(["viewer_id", "u0001", "u0001", "u0002"], load_contract("viewers"), tmp_path, quote=False)
    assert "u000" not in str(caught.value)


def test_require_columns_of_very_many_names_is_fast_and_brief(tmp_path: Path) -> None:
    names = [f"key-{number}" for number in range(300_000)]
    with pytest.raises(InputError) as caught:
        require_columns(names, load_contract("viewers"), tmp_path)
    assert len(str(caught.value)) < 1_000


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere.csv")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    os.chdir(path.parent)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_dangling, "is a broken link"),
        (_loop, "is a broken link"),
        (_pipe, "is neither a file nor a link to one"),
        (_socket, "is neither a file nor a link to one"),
    ],
)
@pytest.mark.parametrize("name", ["events/part-1.csv", "events.csv"])
def test_find_files_refuses_entries_that_are_no_files_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events").mkdir() if "/" in name else None
    make(tmp_path / name)
    with pytest.raises(InputError, match=rf"events: .*{name} {message}"):
        find_files(tmp_path, "events")


def test_find_files_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "events.csv").symlink_to(tmp_path / "elsewhere")
    files = find_files(tmp_path, "events")
    assert files is not None
    assert files.paths == (tmp_path / "events.csv",)


def test_find_files_file_without_read_permission_is_refused_by_name(open_folder: Path) -> None:
    (open_folder / "events").mkdir()
    path = open_folder / "events" / "part-0.csv"
    path.touch(mode=0o000)
    with _without_root(), pytest.raises(InputError, match=r"events: .*part-0\.csv cannot be read: Permission denied"):
        find_files(open_folder, "events")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def _without_root() -> Iterator[None]:
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_unread_entries_are_those_that_name_no_table(tmp_path: Path) -> None:
    for name in ("events.csv", "creator.csv", "_SUCCESS", ".hidden", "viewers.parquet"):
        (tmp_path / name).touch()
    (tmp_path / "entrants").mkdir()
    (tmp_path / "notes").mkdir()
    assert unread_entries(tmp_path) == ["creator.csv", "notes"]
