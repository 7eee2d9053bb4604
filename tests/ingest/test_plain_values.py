"""Arrow's conversion of plain text gives what the engines' conversion gives; other text is left to them."""

from __future__ import annotations

from random import Random

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.contracts.conformance import conform, delivered_name
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW
from creatorpool.ingest.plain_values import PlainValues

EVENTS = load_contract("events")
PLAIN = {
    "watch_ms": ["0", "7", "-0", "007", "86400000", "999999999999999999", "-999999999999999999", ""],
    "loop_count": ["0", "12", "-3", "999999999", "0001"],
    "liked": ["true", "false", "True", "FALSE", "1", "0"],
    "date": ["2026-11-20", "1000-01-01", "9999-12-31", "2024-02-29"],
    "event_ts": [
        *("2026-11-20T10:00:00Z", "2026-11-20 23:59:59", "1969-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
        *("2026-11-20T10:00:00.1Z", "1000-01-01 00:00:00.000001"),
    ],
    "propensity": [
        "1",
        "0.5",
        "-0.0",
        "1e-3",
        "2.5E+10",
        "0.1",
        "123456789.123456789",
        "1e99",
        "9e-99",
        "0.30000000000000004",
    ],
}
OTHER = {
    "watch_ms": [" 7", "7.0", "+7", "1e3", "0x10", "9223372036854775808", "seven", "７", "7\n"],
    "loop_count": ["2147483648", "1,000"],
    "liked": ["yes", "t", "01", " true", "trUe"],
    "date": ["2026-13-01", "0000-01-01", "26-11-20", "2026-11-20 "],
    "event_ts": [
        "2026-11-20",
        "2026-11-20T24:00:00Z",
        "2026-11-20T10:00:00+01:00",
        "2026-11-20T10:00Z",
        "0000-01-01T00:00:00Z",
    ],
    "propensity": ["NaN", "inf", ".5", "5.", "1e400", "0x1p3", " 1"],
}


def split(name: str, texts: list[str | None]) -> tuple[pa.Table, pa.Table]:
    """The plain rows and the others of a table with one column of the contract."""
    values = PlainValues(EVENTS, (name,))
    rows = pa.table({name: pa.array(texts, pa.string()), RAW_ROW: pa.nulls(len(texts), pa.string())})
    return values.split(rows)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_and_other_text_are_told_apart(name: str) -> None:
    plain, others = split(name, [*PLAIN[name], None, *OTHER[name]])
    assert plain.column(delivered_name(name)).to_pylist() == [*PLAIN[name], None]
    assert others.column(name).to_pylist() == OTHER[name]


def test_days_that_do_not_exist_leave_all_rows_to_the_engine() -> None:
    plain, others = split("event_ts", ["2026-02-28T10:00:00Z", "2026-02-30T10:00:00Z"])
    assert plain.num_rows == 0
    assert others.num_rows == 2


def test_lists_are_left_to_the_engine() -> None:
    assert not PlainValues(load_contract("videos"), ("video_id", "categories")).is_possible


@pytest.mark.engine
@pytest.mark.parametrize("name", PLAIN)
def test_engines_read_plain_text_as_the_same_values(spark: SparkSession, name: str) -> None:
    random = Random(11)
    texts = [*PLAIN[name], *OTHER[name], *(changed(random, PLAIN[name]) for _ in range(500))]
    singles = [plain for text in texts for plain, _ in [split(name, [text])] if plain.num_rows]
    assert len(singles) > 2 * len(PLAIN[name])
    rows = pa.concat_tables(singles)
    absent = [column for column in EVENTS.column_names if column != name]
    given = spark.createDataFrame([(text,) for text in rows.column(delivered_name(name)).to_pylist()], f"{name} string")
    found = conform(given, EVENTS, absent=absent, with_raw_row=True).toArrow()
    assert found.column(FAILED_RULES).to_pylist() == [[]] * rows.num_rows
    assert found.column(name).cast(rows.column(name).type).equals(rows.column(name))


def changed(random: Random, texts: list[str]) -> str:
    """One of `texts` with one character replaced, inserted or removed."""
    text = random.choice(texts)
    place = random.randint(0, len(text))
    return text[:place] + random.choice(["", *"0123456789-+.:eETZ "]) + text[place + random.randint(0, 1) :]
