"""CSV by RFC 4180: valid fields, refused records and refused files."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.ingest import csv_records
from creatorpool.ingest.byte_stream import BLOCK_BYTES, opened
from creatorpool.ingest.csv_quotes import QuoteCheck
from creatorpool.ingest.csv_records import CsvFile, _Checked
from creatorpool.ingest.records import RAW_CHARACTERS

Row = tuple[str | None, ...]


def read(
    folder: Path,
    content: bytes,
    *,
    max_bytes: int = 10_000,
    quote: bool = True,
    separator: str = ",",
    header: list[str] | None = None,
) -> tuple[list[str], list[Row], list[str]]:
    """Names, readable records and the text of the others."""
    path = folder / "events.csv"
    path.write_bytes(content)
    with opened(path, "events", 10**9) as stream:
        file = CsvFile(stream, max_header_bytes=1_000, separator=separator, names=header)
        readable: list[Row] = []
        refused: list[str] = []
        for records in file.records(max_bytes, quote=quote) if file.names else ():
            rows = records.batch.to_pylist()
            if records.is_readable:
                readable += [tuple(row[name] for name in file.names) for row in rows]
            else:
                refused += [row["raw_row"] for row in rows]
    return file.names, readable, refused


def test_fields_hold_line_breaks_quotes_separators_and_blanks(tmp_path: Path) -> None:
    content = b'a,b,c\r\n1,2,3\r\n"x\ny,1,2\n",2,"say ""hi"""\n,"", d \n\n\xc3\xa4|b,c d,e\'f'
    names, rows, refused = read(tmp_path, content)
    assert names == ["a", "b", "c"]
    assert rows == [
        ("1", "2", "3"),
        ("x\ny,1,2\n", "2", 'say "hi"'),
        (None, "", " d "),
        ("ä|b", "c d", "e'f"),
    ]
    assert refused == []


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.text(st.characters(exclude_characters="\0", codec="utf-8"))] * 3), max_size=20))
def test_any_text_that_python_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    _, found, refused = read(tmp_path_factory.mktemp("csv"), out.getvalue().encode())
    assert (found, refused) == (rows, [])


def test_records_of_other_lengths_are_refused_with_their_text(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n1\n"x\ny",2,3\n   \n5,6\n' + b"z" * 3_000 + b"\n"
    _, rows, refused = read(tmp_path, content)
    assert rows == [("1", "2"), ("5", "6")]
    assert refused[:2] == ["1", '"x\\ny",2,3']
    assert len(refused) == 3
    assert len(refused[2]) == RAW_CHARACTERS


def test_records_that_are_too_long_or_no_utf8_are_refused_alone(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n" + b"x" * 500 + b",2\ncaf\xe9,3\n4,5\n"
    _, rows, refused = read(tmp_path, content, max_bytes=100)
    assert rows == [("1", "2"), ("4", "5")]
    assert refused == ["x" * 500 + ",2", "caf\\xe9,3"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'1,2\n1,"open\n2,3\n', "line 3 begins a quoted field that is not closed at the end of the file"),
        (b'1,"""open\n2,""3\n', "line 2 begins a quoted field that is not closed"),
        (b'1,"open\n2,"x"\n', 'line 3 has a quote .*: 2,"x"'),
        (b'1,2\n1,"abc"def\n', 'line 3 has a quote .*: 1,"abc"def'),
        (b'1,5" screen\n', 'line 2 has a quote .*: 1,5" screen'),
        (b'1,"say \\"hi\\""\n', "line 2 has a quote"),
        (b"1," + b"x" * (2 * BLOCK_BYTES) + b"\n", f"a record is longer than {BLOCK_BYTES} bytes"),
        (b"1,\xff,3\n", "not readable as CSV in UTF-8"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # by Arrow, about bytes that are no text
def test_files_whose_records_cannot_be_separated_are_refused(tmp_path: Path, body: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"events: .*events.csv.*{message}") as caught:
        read(tmp_path, b"a,b\n" + body)
    assert len(str(caught.value)) < 500


def test_misplaced_quote_is_found_across_blocks_and_not_shown_where_ids_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 1_800)
    filler = b'"fills","a block"\n' * 101
    for shift in range(18):
        content = b"a,b\n" + b"0" * shift + b',"x"\n' + filler
        assert len(read(tmp_path, content)[1]) == filler.count(b"\n") + 1
    with pytest.raises(InputError, match=f"line {filler.count(bytes([10])) + 2} has a quote") as caught:
        read(tmp_path, b"a,b\n" + filler + b'viewer-1,"x"y\n', quote=False)
    assert "viewer-1" not in str(caught.value)
    with pytest.raises(InputError, match=f"line {filler.count(bytes([10])) + 2} begins a quoted field"):
        read(tmp_path, b"a,b\n" + filler + b'1,"x ""y"" z\n' + b"2,3\n" * 1_000)


def test_fault_that_read_ahead_met_is_named_by_every_later_read(tmp_path: Path) -> None:
    """Else the parser's own error is reported, if its other thread has read the rest of the file by then."""
    path = tmp_path / "events.csv"
    path.write_bytes(b'1,"x\n')
    with opened(path, "events", 1 << 20) as stream:
        source = _Checked(b"", stream, QuoteCheck("events", ",", lines_before=0, quote=True))
        assert source.read(100) == b'1,"x\n'
        for _ in range(2):
            with pytest.raises(InputError, match="line 1 begins a quoted field"):
                source.read(100)


def test_records_in_order_are_unreadable_beside_those_of_their_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a sample of a file has the unreadable records of several parts beside the readable ones of the first."""
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 2_000)
    path = tmp_path / "events.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n\n3,4\n5\n" * 2_000)
    with opened(path, "events", 1 << 20) as stream:
        found = list(CsvFile(stream, max_header_bytes=100).records(100, quote=True, in_order=True))

    parts = [(one.batch.num_rows, other.batch.num_rows) for one, other in zip(found[0::2], found[1::2], strict=True)]
    assert len(parts) > 5
    assert all(abs(good - 2 * bad) <= 3 for good, bad in parts)
    assert (sum(good for good, _ in parts), sum(bad for _, bad in parts)) == (4_000, 2_000)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_empty_file_has_no_columns(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == ([], [], [])


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n\r\n\n"])
def test_header_alone_has_no_records(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == (["a", "b"], [], [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "must begin with a line of column names"),
        (b"a" * 1_001 + b"\n1\n", "longer than ingest.max_header_bytes 1000"),
        (b"\xff\xfea,b\n", "column names, is not UTF-8"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_separator_may_be_another_sign(tmp_path: Path) -> None:
    names, rows, _ = read(tmp_path, b'a\t"b"\n1,5\t\n1,5\t"2\t3"\n', separator="\t")
    assert (names, rows) == (["a", "b"], [("1,5", None), ("1,5", "2\t3")])


def test_file_may_have_no_line_of_names(tmp_path: Path) -> None:
    names, rows, refused = read(tmp_path, b"1,2\n3\n4,5\n", header=["a", "b"])
    assert (names, rows, refused) == (["a", "b"], [("1", "2"), ("4", "5")], ["3"])
    with pytest.raises(InputError, match="line 1 has a quote"):
        read(tmp_path, b'x"y,2\n', header=["a", "b"])


@pytest.mark.parametrize("damage", ["cut", "changed", "followed"])
def test_damaged_gzip_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000)))
    broken = {"cut": whole[:-20], "changed": whole[:-6] + b"\0\0" + whole[-4:], "followed": whole + b"junk"}
    path = tmp_path / "events.csv.gz"
    path.write_bytes(broken[damage])
    with (
        pytest.raises(InputError, match=r"events: .*events\.csv\.gz cannot be read"),
        opened(path, "events", 10**9) as stream,
    ):
        list(CsvFile(stream, max_header_bytes=1_000).records(1_000, quote=True))
