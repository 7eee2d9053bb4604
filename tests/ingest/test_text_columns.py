"""Conversion of numbers that were written with a fraction or an exponent."""

from __future__ import annotations

from pyspark.sql import SparkSession

from creatorpool.contracts import load_contract
from creatorpool.ingest.text_columns import with_whole_numbers

VIDEOS = load_contract("videos")


def test_whole_numbers_lose_fraction_and_exponent_only_if_nothing_else(spark: SparkSession) -> None:
    texts = ["7", "7.0", "7.", "-7.00", "8.64E7", "7.5", "1e3", "NaN", "seven", " 7 ", "9007199254740993", None]
    given = spark.createDataFrame([(text, text) for text in texts], "length_ms string, s_pos string")
    rows = with_whole_numbers(given, VIDEOS).collect()
    assert {row["s_pos"]: row["length_ms"] for row in rows} == {
        **{text: text for text in texts},
        "7.0": "7",
        "7.": "7",
        "-7.00": "-7",
        "8.64E7": "86400000",
        "1e3": "1000",
    }
