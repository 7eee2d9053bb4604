"""Lines of text to columns: what is read, what is not, and what numbers become."""

from __future__ import annotations

from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.text_lines import column_names, csv_columns, json_columns, json_keys, separated_columns

VIEWERS, VIDEOS = load_contract("viewers"), load_contract("videos")


def _lines(spark: SparkSession, *lines: str):
    return spark.createDataFrame([(line,) for line in lines], "value string")


def test_separated_columns_quotes_empties_and_wrong_field_counts(spark: SparkSession) -> None:
    expected = {
        "1,2,3": ("1", "2", "3"),
        '"a,b","say ""hi""",c': ("a,b", 'say "hi"', "c"),
        "\ufeff4,5,6\r": ("4", "5", "6"),
        ",,": (None, None, None),
        '"",x,y': ("", "x", "y"),
        "ä|b,c d,e'f": ("ä|b", "c d", "e'f"),
        "1,2": (None, None, None),
        "1,2,3,4": (None, None, None),
        '"open,2,3': (None, None, None),
        'a"b,2,3': (None, None, None),
    }
    lines = _lines(spark, "a,b,c", *expected, "", "  \r")
    rows = separated_columns(lines, "a,b,c", ["a", "b", "c"]).collect()
    stripped = {line.strip("\ufeff\r"): values for line, values in expected.items()}
    assert {row["raw_row"]: (row["a"], row["b"], row["c"]) for row in rows} == stripped
    assert len(rows) == len(expected)


def test_separated_columns_tabs_leave_commas_alone(spark: SparkSession) -> None:
    rows = separated_columns(_lines(spark, "a\tb", "1,5\t\t", '1,5\t"2\t3"'), "a\tb", ["a", "b"], "\t").collect()
    assert [(row["a"], row["b"]) for row in rows] == [(None, None), ("1,5", "2\t3")]
    assert column_names('a\t"b"', "\t") == ["a", "b"]


def test_csv_columns_whole_numbers_lose_fraction_and_exponent_only_if_nothing_else(spark: SparkSession) -> None:
    texts = ["7", "7.0", "7.", "-7.00", "8.64E7", "7.5", "1e3", "NaN", "seven", " 7 ", "9007199254740993"]
    header = "length_ms,s_pos"
    rows = csv_columns(
        _lines(spark, *(f"{text},{text}" for text in texts)), VIDEOS, header, header.split(",")
    ).collect()
    assert {row["s_pos"]: row["length_ms"] for row in rows} == {
        **{text: text for text in texts},
        "7.0": "7",
        "7.": "7",
        "-7.00": "-7",
        "8.64E7": "86400000",
        "1e3": "1000",
    }


def test_json_columns_broken_lines_nested_values_and_bare_nan(spark: SparkSession) -> None:
    good = '{"video_id":"v","length_ms":1.5,"categories":["a","b"],"s_pos":null,"s_tox":"0.5"}'
    bare = '{"video_id":"w","length_ms":NaN,"s_pos":-Infinity,"s_tox": Infinity}'
    broken = ['{"video_id":"cut"', "[1,2]", '"text"', "not json", "{'video_id':'x'}"]
    names = ["video_id", "length_ms", "categories", "s_pos", "s_tox"]
    rows = json_columns(_lines(spark, good, bare, *broken, " "), VIDEOS, names).collect()
    found = {row["raw_row"]: tuple(row[name] for name in names) for row in rows}
    assert found.pop(good) == ("v", "1.5", '["a","b"]', None, "0.5")
    assert found.pop(bare) == ("w", "NaN", None, "-Infinity", "Infinity")
    assert found == dict.fromkeys(broken, (None,) * 5)


def test_json_keys_of_all_lines_once(spark: SparkSession) -> None:
    keys = json_keys(_lines(spark, '{"a":1,"b":null}', '{"b":2,"c":{"d":1}}', "broken")).collect()
    assert sorted(row["key"] for row in keys) == ["a", "b", "c"]
