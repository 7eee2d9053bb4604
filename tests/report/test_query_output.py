"""The rows of a query in each format: nothing is lost, whatever the values are."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creatorpool.errors import InputError
from creatorpool.report.query_output import as_parquet, as_text

MOMENT = datetime(2026, 11, 20, 10, 0, 0, 250_000, UTC)
ROWS = pa.table(
    {
        "day": pa.array([date(2026, 11, 20), None], pa.date32()),
        "name": ['a, "b"\nc\x1b[2J', ""],
        "micros": [10**15, -1],
        "share": [0.1, float("nan")],
        "at": pa.array([MOMENT, None], pa.timestamp("us", "UTC")),
        "parts": [[1, 2], None],
        "price": [Decimal("1.50"), None],
        "is_paid": [True, False],
    }
)


def test_csv_tells_null_from_empty_text() -> None:
    text = as_text(ROWS, "csv")

    header, first, second = csv.reader(io.StringIO(text))
    assert header == ROWS.column_names
    assert first[:4] == ["2026-11-20", 'a, "b"\nc\x1b[2J', "1000000000000000", "0.1"]
    assert first[5] == "[1, 2]"
    assert second[0] == second[4] == second[5] == ""
    assert text.rstrip("\n").splitlines()[-1].startswith(',"",-1,')


def test_json_has_one_object_per_row_in_valid_json() -> None:
    first, second = (json.loads(line) for line in as_text(ROWS, "json").splitlines())

    assert first == {
        "day": "2026-11-20",
        "name": 'a, "b"\nc\x1b[2J',
        "micros": 10**15,
        "share": 0.1,
        "at": "2026-11-20T10:00:00.250000+00:00",
        "parts": [1, 2],
        "price": "1.50",
        "is_paid": True,
    }
    assert (second["share"], second["name"], second["day"], second["parts"]) == ("NaN", "", None, None)


def test_parquet_has_the_rows_and_their_types() -> None:
    read = pq.read_table(io.BytesIO(as_parquet(ROWS)))

    assert read.schema.equals(ROWS.schema)
    assert read.drop_columns(["share"]).equals(ROWS.drop_columns(["share"]))


def test_table_is_aligned_and_hides_control_characters() -> None:
    lines = as_text(ROWS.select(["name", "micros", "at", "is_paid"]), "table").splitlines()

    assert len({len(line) for line in lines}) == 1
    assert "\\n" in lines[3]
    assert "\x1b" not in "".join(lines)
    assert lines[3].split("|")[2:5] == [" 1000000000000000 ", " 2026-11-20 10:00:00.25 ", " true    "]
    assert lines[4].split("|")[2:4] == ["               -1 ", " NULL                   "]


def test_table_that_is_too_wide_becomes_records() -> None:
    narrow = as_text(ROWS, "table", width=40)

    assert narrow == as_text(ROWS, "records")
    assert narrow.splitlines()[0] == "- row 1 -"
    assert "micros   1000000000000000" in narrow
    assert as_text(ROWS, "table", width=400) == as_text(ROWS, "table")


@pytest.mark.parametrize("form", ["table", "records", "csv", "json"])
def test_no_rows_are_no_fault(form: str) -> None:
    empty = as_text(ROWS.slice(0, 0), form)

    assert ("micros" in empty) is (form in ("table", "csv"))


def test_two_columns_of_one_name_are_refused_where_one_would_be_lost() -> None:
    twice = pa.table([[1], [2]], names=["a", "a"])

    assert "| 1 | 2 |" in as_text(twice, "table")
    for write in (lambda: as_text(twice, "json"), lambda: as_parquet(twice)):
        with pytest.raises(InputError, match='two columns of the result are called "a": name them with AS'):
            write()
