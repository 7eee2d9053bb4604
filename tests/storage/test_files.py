"""Text files appear completely or not at all, on this machine and in a real object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from creatorpool.errors import InputError
from creatorpool.report.output_file import whole_file
from creatorpool.storage.files import whole_text


def test_file_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    output = tmp_path / "new" / "books.csv"
    with whole_text(output) as out:
        out.write("a,b\r\n")
        assert not output.exists()

    assert output.read_bytes() == b"a,b\r\n"
    assert [path.name for path in output.parent.iterdir()] == ["books.csv"]


def test_file_stays_as_it_was_if_writing_fails(tmp_path: Path) -> None:
    output = tmp_path / "books.csv"
    output.write_text("before")

    def stop_half_way() -> None:
        with whole_text(output) as out:
            out.write("half")
            raise ValueError("stops")

    with pytest.raises(ValueError, match="stops"):
        stop_half_way()

    assert output.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["books.csv"]


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"--output .*/file/books\.csv cannot be written: "),
        whole_file(tmp_path / "file" / "books.csv"),
    ):
        pass
