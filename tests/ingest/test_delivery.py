"""What can be told of a delivery by its file names and header lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from creatorpool.contracts import load_contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import find_files, read_header, require_columns, require_files


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
        (["events/a.xlsx"], "neither Parquet"),
        (["events/a.parquet.gz"], "neither Parquet"),
        (["events/a[1].csv"], "must not contain"),
    ],
)
def test_find_files_ambiguous_or_unknown_files_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
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


def test_read_header_drops_byte_order_mark_and_line_end(tmp_path: Path) -> None:
    path = tmp_path / "viewers.csv.gz"
    with gzip.open(path, "wb") as out:
        out.write(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert read_header(path, "viewers") == "a,b"


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.csv", b"\n\n"), ("a.csv.gz", b"no gzip")])
def test_read_header_nothing_to_read_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="viewers"):
        read_header(tmp_path / name, "viewers")
