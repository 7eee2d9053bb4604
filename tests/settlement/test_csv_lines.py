"""CSV files of payers and banks: a file that is no CSV is refused, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from creatorpool.errors import InputError
from creatorpool.settlement.csv_lines import read_lines

LONG = "x" * 200_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"a,b\n1,2\n3,{LONG}\n", "line 3 cannot be read: field larger than field limit"),
        (f"a,b{LONG}\n", "line 1 cannot be read: field larger than field limit"),
        (f'a,b\n1,"2\n{LONG}\n', "line 3 cannot be read: field larger .*close the quotes before it"),
        ("a,b,c,b\n1,2,3,4\n", r"columns \['b'\] are there more than once"),
        ("a,b\n1,2\n3,\0\n", "line 3 has a NUL, which no text has: write the file as CSV in UTF-8"),
        ("a,b\n1,2\n3,4\n".encode("utf-16-le").decode("latin-1"), "line 1 has a NUL"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "report.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path}: {message}"):
        read_lines(path, ["a", "b"])


def test_rows_have_the_numbers_of_their_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text('a,b,c\n1,2,3\n4,"5\n6",7\n')
    assert read_lines(path, ["a", "b"]).rows == (
        (2, {"a": "1", "b": "2", "c": "3"}),
        (4, {"a": "4", "b": "5\n6", "c": "7"}),
    )
