"""Sums over any number of trust tiers add in the order of the tiers, to the bit."""

from __future__ import annotations

from functools import reduce
from operator import add

import pytest
from pyspark.sql import SparkSession

from creatorpool.quality.frames.components import viewers_in_tiers, weighted_sum


@pytest.mark.parametrize("number", [2, 60])
def test_weighted_sum_adds_tiers_in_their_order_to_the_bit(spark: SparkSession, number: int) -> None:
    tiers = {f"tier-{t:02d}": 1.0 / (t + 1) for t in range(number)}
    counts = [3 * t + 1 for t in range(number)]
    columns = ", ".join(f"viewers_in_tier_{t} bigint" for t in range(number))
    sums = spark.createDataFrame([tuple(counts)], columns)

    row = sums.select(weighted_sum("viewers", tiers).alias("weighted"), viewers_in_tiers(tiers).alias("n")).collect()[0]

    assert row["weighted"] == reduce(
        add, (weight * count for weight, count in zip(tiers.values(), counts, strict=True))
    )
    assert row["n"] == sum(counts)
