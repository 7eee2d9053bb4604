"""JSON lines: valid lines, and parts that are refused one by one."""

from __future__ import annotations

import gzip
import resource
from pathlib import Path
from typing import Any

import pytest

from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import opened
from creatorpool.ingest.json_records import JsonFile
from creatorpool.ingest.records import RAW_CHARACTERS

NAMES = ["id", "n", "flag", "list"]


def read(folder: Path, content: bytes, *, max_line: int = 10_000, max_keys: int = 10) -> tuple[list, list, set[str]]:
    """Readable records without NULL, the text of the others, and the keys."""
    path = folder / "events.jsonl"
    path.write_bytes(content)
    readable: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    with opened(path, "events", 10**9) as stream:
        file = JsonFile(stream, NAMES, max_line, max_keys)
        for records in file.records():
            rows = [{k: v for k, v in row.items() if v is not None} for row in records.batch.to_pylist()]
            (readable if records.is_readable else refused).extend(rows)
    return readable, [row["raw_row"] for row in refused], file.keys


def test_values_keep_their_text(tmp_path: Path) -> None:
    line = '{"id": "ä\\u00e9", "n": 10.000000, "flag": true, "list": ["a", "b"], "other": {"x": null}}'
    (row,), refused, keys = read(tmp_path, f"\ufeff{line}\r\n\n  \n".encode())
    assert row == {"id": "äé", "n": "10.000000", "flag": "true", "list": '["a","b"]', "raw_row": line}
    assert refused == []
    assert keys == {*NAMES, "other"}


def test_numbers_beyond_every_type_and_bare_words_are_text(tmp_path: Path) -> None:
    digits = "9" * 5_000
    rows, refused, _ = read(
        tmp_path, f'{{"n": {digits}}}\n{{"n": NaN, "id": -Infinity}}\n{{"id": false, "n": 1}}'.encode()
    )
    assert [(row.get("n"), row.get("id")) for row in rows] == [(digits, None), ("NaN", "-Infinity"), ("1", "false")]
    assert refused == []


def test_several_objects_on_a_line_are_several_records(tmp_path: Path) -> None:
    rows, refused, _ = read(tmp_path, b'{"id":"1"}{"id":"2"} \t{"id":"3"}\n{"id":"4"}')
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["raw_row"] for row in rows] == ['{"id":"1"}', '{"id":"2"}', '{"id":"3"}', '{"id":"4"}']
    assert refused == []


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ('{"id":"1"} and text', ['{"id":"1"}', "and text"]),
        ('{"id":"1"},{"id":"2"}', ['{"id":"1"}', ',{"id":"2"}']),
        ('{"id":"1"}{"id":', ['{"id":"1"}', '{"id":']),
        ('{"id":"1"} 7 {"id":"2"}', ['{"id":"1"}', "7", '{"id":"2"}']),
        ('{"id":"1","id":"2"}', ['{"id":"1","id":"2"}']),
        ('{"id" :"1","id" :"2"}', ['{"id" :"1","id" :"2"}']),
        ('{"id":"\\ud800"}', ['{"id":"\\ud800"}']),
        ('{"list":["\\ud800"]}', ['{"list":["\\ud800"]}']),
        ("{'id':'1'}", ["{'id':'1'}"]),
        ("[1,2]", ["[1,2]"]),
        ("null", ["null"]),
        ('{"id":"1"', ['{"id":"1"']),
        ('{"a":1,"b":1,"c":1,"d":1}', ['{"a":1,"b":1,"c":1,"d":1}']),
        ("{" + '"id":{' * 200_000, None),
    ],
)
def test_all_records_of_an_unreadable_line_are_refused_and_counted(
    tmp_path: Path, line: str, pieces: list[str] | None
) -> None:
    content = f'{{"id":"first"}}\n{line}\n{{"id":"last"}}\n'.encode()
    rows, refused, keys = read(tmp_path, content, max_line=10**7, max_keys=3)
    assert [row["id"] for row in rows] == ["first", "last"]
    assert keys == {"id"}
    assert refused == pieces if pieces else len(refused) == 1


def test_lines_that_are_too_long_or_no_utf8_are_refused_alone(tmp_path: Path) -> None:
    # Cut at the bound, the long line would be a valid object with blanks.
    long = b'{"id":"2"}' + b" " * 100_000 + b'{"id":"3"}'
    rows, refused, _ = read(tmp_path, b'{"id":"1"}\n' + long + b'\n{"id":"caf\xe9"}\n{"id":"4"}', max_line=100)
    assert [row["id"] for row in rows] == ["1", "4"]
    assert [text[:11] for text in refused] == ['{"id":"2"} ', '{"id":"caf\\']
    assert max(map(len, refused)) == RAW_CHARACTERS


@pytest.mark.parametrize("content", [b'[{"id":"1"},\n{"id":"2"}]', b'\n\n  [{"id":"1"},{"id":"2"}]', b"[]"])
def test_array_over_the_whole_file_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="It must have JSON lines: one object per line") as caught:
        read(tmp_path, content)
    assert '"id"' not in str(caught.value)


def test_long_line_of_a_small_gzip_takes_no_memory_and_counts_as_one_record(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        for _ in range(200):
            out.write(b"x" * (1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with opened(path, "events", 10**9) as stream:
        (records,) = JsonFile(stream, NAMES, 1 << 20, 10).records()
    assert (records.is_readable, records.batch.num_rows) == (False, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80_000  # KiB; the line has 200 MiB


def test_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id":"1"}\n' * 10_000))
    with (
        opened(path, "events", 50_000) as stream,
        pytest.raises(InputError, match=r"ingest\.max_file_bytes, 50000 bytes"),
    ):
        list(JsonFile(stream, NAMES, 1_000, 10).records())
